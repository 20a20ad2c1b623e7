//! The switches, for tests that run outside this process.

use axum::{
    Json, Router,
    extract::{Path, State as Shared},
    http::StatusCode,
    routing::{get, post, put},
};
use serde_json::{Value, json};

use crate::{Asked, SCENARIOS, State, TokenSettings, pipedrive, state::Settings};

pub(crate) fn router(state: State) -> Router {
    Router::new()
        .route("/__sandbox/state", get(show))
        .route("/__sandbox/scenarios", get(scenarios))
        .route("/__sandbox/requests", get(asked))
        .route("/__sandbox/tokens/{key}", put(set_token).delete(delete_token))
        .route("/__sandbox/settings", put(set))
        .route("/__sandbox/reset", post(reset))
        .fallback(pipedrive::handle)
        .with_state(state)
}

async fn show(Shared(state): Shared<State>) -> Json<Value> {
    let world = state.lock();
    Json(json!({ "settings": world.settings, "tokens": world.tokens }))
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
    let known = state.lock().tokens.remove(&key).is_some();
    if known { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }
}

async fn set(Shared(state): Shared<State>, Json(settings): Json<Settings>) -> StatusCode {
    state.lock().settings = settings;
    StatusCode::NO_CONTENT
}

async fn reset(Shared(state): Shared<State>) -> StatusCode {
    state.reset();
    StatusCode::NO_CONTENT
}
