//! One request as Pipedrive handles it: first the key, then limits, then the path.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    extract::{Request, State as Shared},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::{
    Asked, Foreign, Mode, State, answers,
    limits::Ruling,
    state::{Settings, Token},
};

/// A request for the user behind a key costs so many tokens of the daily budget.
const COST_OF_ME: u64 = 2;
const SLOW: Duration = Duration::from_secs(20);

/// Marks an answer that is not to be sent: the connection closes instead.
#[derive(Clone)]
pub(crate) struct CloseInstead;

pub(crate) async fn handle(Shared(state): Shared<State>, request: Request) -> Response {
    let (method, uri, headers) = (request.method().clone(), request.uri().clone(), request.headers().clone());
    let host = host(&headers);
    let (key, key_in) = key(&headers, &uri);
    state.lock().note(Asked {
        method: method.to_string(),
        host: host.clone(),
        path: uri.path().into(),
        key_in,
    });
    let (settings, known) = look_up(&state, key);
    let latency = known.as_ref().map_or(0, |(token, _)| token.latency_ms).max(settings.latency_ms);
    sleep(Duration::from_millis(latency)).await;
    let Some((token, ruling)) = known else { return answers::unauthorized() };
    if let Some(answer) = forced(token.mode).await {
        return answer;
    }
    let remaining = match ruling {
        Ruling::Granted { remaining } => remaining,
        Ruling::Burst => return answers::burst(),
        Ruling::Blocked => return answers::blocked(),
    };
    let mut answer = route(&state, &token, settings, &method, &uri, &host);
    if settings.burst_limit > 0 {
        let headers = answer.headers_mut();
        headers.insert("x-ratelimit-limit", HeaderValue::from(settings.burst_limit));
        headers.insert("x-ratelimit-remaining", HeaderValue::from(remaining));
        headers.insert("x-ratelimit-reset", HeaderValue::from(2));
    }
    answer
}

fn look_up(state: &State, key: Option<String>) -> (Settings, Option<(Token, Ruling)>) {
    let mut world = state.lock();
    let settings = world.settings;
    let token = key.and_then(|key| world.tokens.get_mut(&key));
    let known = token.map(|token| {
        let ruling = token.usage.rule(settings.burst_limit, Instant::now());
        (token.clone(), ruling)
    });
    (settings, known)
}

fn host(headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    host.split(':').next().unwrap_or_default().to_lowercase()
}

/// Documented is the header; the other two are what existing programs send.
pub(crate) fn key(headers: &HeaderMap, uri: &Uri) -> (Option<String>, &'static str) {
    let text = |value: &HeaderValue| value.to_str().ok().map(str::to_owned);
    if let Some(key) = headers.get("x-api-token").and_then(text) {
        return (Some(key), "header");
    }
    let query = uri.query().unwrap_or_default().split('&').find_map(|pair| pair.strip_prefix("api_token="));
    if let Some(key) = query {
        return (Some(key.to_owned()), "query");
    }
    let bearer = headers.get(header::AUTHORIZATION).and_then(text);
    match bearer.and_then(|value| value.strip_prefix("Bearer ").map(str::to_owned)) {
        Some(key) => (Some(key), "bearer"),
        None => (None, "none"),
    }
}

async fn forced(mode: Mode) -> Option<Response> {
    Some(match mode {
        Mode::Ok => return None,
        Mode::Unauthorized => answers::unauthorized(),
        Mode::NoPermission => answers::no_permission(),
        Mode::NotOpen => answers::not_open(),
        Mode::Burst => answers::burst(),
        Mode::Daily => answers::daily(),
        Mode::Blocked => answers::blocked(),
        Mode::Maintenance => answers::maintenance(),
        Mode::InternalError => answers::internal_error(),
        Mode::Html => {
            answers::html(StatusCode::OK, "<!doctype html><title>Sign in</title><p>Please sign in.")
        }
        Mode::Truncated => {
            let head = [(header::CONTENT_TYPE, "application/json")];
            (head, r#"{"success":true,"data":{"id":1,"name":"Ad"#).into_response()
        }
        Mode::OtherShape => {
            answers::json_answer(StatusCode::OK, &json!({ "success": true, "data": ["surprise"] }))
        }
        Mode::Redirect => answers::redirect(),
        Mode::Huge => Response::new(Body::from(Bytes::from(vec![b' '; 5 * 1024 * 1024]))),
        Mode::Slow => {
            sleep(SLOW).await;
            answers::maintenance()
        }
        // A reused connection was not seen by the listener, which would have sent the garbage.
        Mode::Close | Mode::Garbage => {
            let mut answer = Response::new(Body::empty());
            answer.extensions_mut().insert(CloseInstead);
            answer
        }
    })
}

fn route(
    state: &State,
    token: &Token,
    settings: Settings,
    method: &Method,
    uri: &Uri,
    host: &str,
) -> Response {
    let Some(user) = answers::user(token.user) else { return answers::unauthorized() };
    let label = host.strip_suffix(".pipedrive.com").unwrap_or(host);
    let shared = matches!(label, "api" | "app");
    let own = user["company_domain"] == label;
    if !shared && !own && token.foreign.unwrap_or(settings.foreign) == Foreign::Refuse {
        return answers::unauthorized();
    }
    let path = uri.path();
    let me = path == "/v1/users/me" || (!shared && path == "/api/v1/users/me");
    if !me || method != Method::GET {
        return answers::not_found(path.starts_with("/api/v2/"));
    }
    let company = user["company_id"].as_u64().unwrap_or_default();
    if settings.daily_budget > 0 {
        let mut world = state.lock();
        let spent = world.spent.entry(company).or_default();
        if *spent + COST_OF_ME > settings.daily_budget {
            return answers::daily();
        }
        *spent += COST_OF_ME;
        let left = settings.daily_budget - *spent;
        drop(world);
        let mut answer = answers::json_answer(StatusCode::OK, &json!({ "success": true, "data": user }));
        answer
            .headers_mut()
            .insert("x-daily-ratelimit-token-limit", HeaderValue::from(settings.daily_budget));
        answer.headers_mut().insert("x-daily-ratelimit-token-remaining", HeaderValue::from(left));
        return answer;
    }
    answers::json_answer(StatusCode::OK, &json!({ "success": true, "data": user }))
}
