//! `/api/v1/connectors`.

use axum::{Json, extract::State, http::StatusCode};
use serde_json::{Value, json};

use super::{problem::Failure, request::Which, wire::Connector};
use crate::server::{AppState, Caller};

pub(super) async fn list(_: Caller, State(state): State<AppState>) -> Json<Value> {
    let items: Vec<Connector> = state.app.catalogue().iter().map(Connector::from).collect();
    Json(json!({ "items": items }))
}

pub(super) async fn get(
    _: Caller,
    State(state): State<AppState>,
    Which(id): Which,
) -> Result<Json<Connector>, Failure> {
    let found = state.app.catalogue().get(&id).map(Connector::from).map(Json);
    found.ok_or_else(|| {
        let detail = "There is no such app in the catalogue.";
        Failure::new(StatusCode::NOT_FOUND, "not_found", detail, "GET /api/v1/connectors lists all apps.")
    })
}
