//! One request as Pipedrive handles it: first the key, then limits, then the path.

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{Request, State as Shared},
    http::{HeaderValue, header, request::Parts},
    response::Response,
};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::{
    Foreign, Settings, State, answers,
    asked::{host, key},
    bodies::Counted,
    clock,
    limits::Ruling,
    listen::HangUp,
    modes::forced,
    operation::{Call, Operation},
    perform::perform,
};

const LARGEST_BODY: usize = 1024 * 1024;

pub(crate) async fn handle(Shared(state): Shared<State>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let hang_up = head.extensions.get::<HangUp>().cloned().unwrap_or_default();
    let seen = Arc::new(AtomicU64::new(0));
    let faults = state.receive(&head, seen.clone());
    let mut body = Counted { inner: body, seen };
    for fault in &faults {
        if let Some(answer) = fault.before(&mut body).await {
            return answer;
        }
    }
    let mut answer = match to_bytes(Body::new(body), LARGEST_BODY).await {
        Ok(body) => answer(&state, &head, &body).await,
        Err(_) => answers::too_large(),
    };
    let now = clock::in_a_head(state.lock().clock.now());
    answer.headers_mut().extend(HeaderValue::try_from(now).ok().map(|now| (header::DATE, now)));
    state.answered(head.uri.path());
    for fault in &faults {
        answer = fault.after(answer, &hang_up).await;
    }
    answer
}

async fn answer(state: &State, head: &Parts, body: &Bytes) -> Response {
    let key = key(&head.headers, &head.uri).0;
    let (settings, token) = {
        let world = state.lock();
        (world.settings.clone(), key.as_ref().and_then(|key| world.tokens.get(key)).cloned())
    };
    let latency = token.as_ref().map_or(0, |token| token.latency_ms).max(settings.latency_ms);
    sleep(Duration::from_millis(latency)).await;
    let (Some(key), Some(token)) = (key, token) else { return answers::unauthorized() };
    if let Some(answer) = forced(token.mode).await {
        return answer;
    }
    let Some(user) = answers::user(token.user) else { return answers::unauthorized() };
    let host = host(&head.headers);
    let label = host.strip_suffix(".pipedrive.com").unwrap_or(&host);
    let shared = matches!(label, "api" | "app");
    let own = user["company_domain"] == label;
    if !shared && !own && token.foreign.unwrap_or(settings.foreign) == Foreign::Refuse {
        return answers::unauthorized();
    }
    limited(state, &settings, &key, &user, &Call::new(head, shared), body)
}

/// Burst window and daily budget, then the operation. What is not found costs nothing.
fn limited(
    state: &State,
    settings: &Settings,
    key: &str,
    user: &Value,
    call: &Call,
    body: &Bytes,
) -> Response {
    let mut guard = state.lock();
    let world = &mut *guard;
    let (clock, now) = (world.clock, world.stamp());
    let search = matches!(call.operation, Some(Operation::Search(_)));
    let limit = if search { settings.search_limit } else { settings.burst_limit };
    let ruling = world.tokens.get_mut(key).map(|token| token.usage.rule(search, limit, Instant::now()));
    let (mut answer, room) = match ruling {
        None => return answers::unauthorized(),
        Some(Ruling::Blocked) => return answers::blocked(),
        Some(Ruling::Burst(room)) => (answers::burst(), room),
        Some(Ruling::Granted(room)) => {
            let company = world.company(user["company_id"].as_u64().unwrap_or_default());
            let cost = call.operation.map_or(0, |operation| operation.cost(call.version));
            let left = company.spent.spend(cost, settings.daily_budget, clock.day());
            let crm = company.crm.clone();
            drop(guard);
            let mut answer = match left {
                Some(_) => perform(&crm, settings, now, user, call, body),
                None => answers::daily(clock.until_midnight()),
            };
            answers::tell_budget(&mut answer, settings.daily_budget, left.unwrap_or(0));
            (answer, room)
        }
    };
    answers::tell_room(&mut answer, room);
    answer
}
