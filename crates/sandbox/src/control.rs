//! The switches, for tests that run outside this process.

use axum::{
    Json, Router,
    extract::{Path, State as Shared},
    http::StatusCode,
    routing::{get, post, put},
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use crate::{Act, Asked, Hook, Kind, Rule, SCENARIOS, Settings, State, TokenSettings, pipedrive};

pub(crate) fn router(state: State) -> Router {
    Router::new()
        .route("/__sandbox/state", get(show))
        .route("/__sandbox/scenarios", get(scenarios))
        .route("/__sandbox/requests", get(asked))
        .route("/__sandbox/tokens/{key}", put(set_token).delete(delete_token))
        .route("/__sandbox/settings", put(set))
        .route("/__sandbox/faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/__sandbox/clock", put(set_clock))
        .route("/__sandbox/hooks", post(add_hook))
        .route("/__sandbox/companies/{company}/acts", post(act))
        .route("/__sandbox/companies/{company}/{kind}", get(truth))
        .route("/__sandbox/companies/{company}/{kind}/fields", get(fields))
        .route("/__sandbox/reset", post(reset))
        .fallback(pipedrive::handle)
        .with_state(state)
}

async fn show(Shared(state): Shared<State>) -> Json<Value> {
    let world = state.lock();
    Json(json!({
        "settings": world.settings, "tokens": world.tokens, "spent": world.spent(), "now": world.clock.now(),
        "connections": state.open_connections(),
    }))
}

async fn scenarios() -> Json<Value> {
    let all = SCENARIOS
        .iter()
        .map(|it| json!({ "key": it.key, "domain": it.domain, "shows": it.shows, "title": it.title }));
    Json(all.collect())
}

async fn asked(Shared(state): Shared<State>) -> Json<Vec<Asked>> {
    Json(state.asked())
}

async fn set_token(
    Shared(state): Shared<State>,
    Path(key): Path<String>,
    Json(settings): Json<TokenSettings>,
) -> StatusCode {
    state.set_token(&key, settings);
    StatusCode::NO_CONTENT
}

async fn delete_token(Shared(state): Shared<State>, Path(key): Path<String>) -> StatusCode {
    if state.revoke(&key) { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }
}

/// Keeping pages takes its time.
async fn set(Shared(state): Shared<State>, Json(settings): Json<Settings>) -> StatusCode {
    let done = spawn_blocking(move || state.set(|old| *old = settings)).await;
    done.map_or(StatusCode::INTERNAL_SERVER_ERROR, |()| StatusCode::NO_CONTENT)
}

async fn faults(Shared(state): Shared<State>) -> Json<Vec<Rule>> {
    Json(state.lock().rules.clone())
}

async fn add_fault(Shared(state): Shared<State>, Json(rule): Json<Rule>) -> StatusCode {
    state.add_fault(rule);
    StatusCode::NO_CONTENT
}

async fn clear_faults(Shared(state): Shared<State>) -> StatusCode {
    state.clear_faults();
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Time {
    GoesOn(u64),
    May { at: u64, frozen: bool },
}

async fn set_clock(Shared(state): Shared<State>, Json(time): Json<Time>) -> StatusCode {
    match time {
        Time::May { at, frozen: true } => state.freeze_clock(at),
        Time::GoesOn(at) | Time::May { at, .. } => state.set_clock(at),
    }
    StatusCode::NO_CONTENT
}

async fn add_hook(Shared(state): Shared<State>, Json(hook): Json<Hook>) -> StatusCode {
    state.add_hook(hook);
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Acts {
    One(Act),
    Several(Vec<Act>),
}

/// Those before the first that cannot be done are done.
async fn act(
    Shared(state): Shared<State>,
    Path(company): Path<u64>,
    Json(acts): Json<Acts>,
) -> Result<Json<Value>, (StatusCode, String)> {
    let acts = match acts {
        Acts::One(act) => vec![act],
        Acts::Several(acts) => acts,
    };
    let done: Result<Vec<_>, _> = acts.iter().map(|act| state.act(company, act)).collect();
    done.map(|new| Json(new.into())).map_err(|wrong| (StatusCode::BAD_REQUEST, wrong))
}

async fn truth(Shared(state): Shared<State>, Path((company, kind)): Path<(u64, Kind)>) -> Json<Vec<Value>> {
    Json(state.truth(company, kind))
}

async fn fields(Shared(state): Shared<State>, Path((company, kind)): Path<(u64, Kind)>) -> Json<Vec<Value>> {
    Json(state.fields(company, kind))
}

async fn reset(Shared(state): Shared<State>) -> StatusCode {
    state.reset();
    StatusCode::NO_CONTENT
}
