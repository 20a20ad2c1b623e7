//! The switches, for tests that run outside this process.

use axum::{
    Json, Router,
    extract::{Path, State as Shared},
    http::StatusCode,
    routing::{get, post, put},
};
use serde_json::{Value, json};

use crate::{Asked, Rule, SCENARIOS, Settings, State, TokenSettings, pipedrive};

pub(crate) fn router(state: State) -> Router {
    Router::new()
        .route("/__sandbox/state", get(show))
        .route("/__sandbox/scenarios", get(scenarios))
        .route("/__sandbox/requests", get(asked))
        .route("/__sandbox/tokens/{key}", put(set_token).delete(delete_token))
        .route("/__sandbox/settings", put(set))
        .route("/__sandbox/faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/__sandbox/clock", put(set_clock))
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

async fn set(Shared(state): Shared<State>, Json(settings): Json<Settings>) -> StatusCode {
    state.lock().set(settings);
    StatusCode::NO_CONTENT
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

async fn set_clock(Shared(state): Shared<State>, Json(unix_seconds): Json<u64>) -> StatusCode {
    state.set_clock(unix_seconds);
    StatusCode::NO_CONTENT
}

async fn reset(Shared(state): Shared<State>) -> StatusCode {
    state.reset();
    StatusCode::NO_CONTENT
}
