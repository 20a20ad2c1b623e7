//! The JSON API.

pub(crate) mod audit;
mod body;
mod codes;
mod connections;
mod connectors;
mod health;
mod json;
mod openapi;
mod problem;
mod request;
mod syncs;
mod tokens;
pub(crate) mod usage;
pub(crate) mod wire;

use axum::{
    Router,
    http::StatusCode,
    response::Response,
    routing::{any, get, post},
};

pub(crate) use codes::{CODES, Code};
pub(crate) use openapi::document;
pub(crate) use problem::{name_request, problem, refuse, refused};

use crate::server::{AppState, Caller};

/// All routes of the API. Each stands in the OpenAPI document, too: a test compares.
pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(health::metrics))
        .route("/openapi.json", get(openapi::get))
        .route("/api/v1/connectors", get(connectors::list))
        .route("/api/v1/connectors/{id}", get(connectors::get))
        .route("/api/v1/connections", get(connections::list).post(connections::create))
        .route(
            "/api/v1/connections/{id}",
            get(connections::get).patch(connections::change).delete(connections::delete),
        )
        .route("/api/v1/connections/{id}/verify", post(connections::verify))
        .route("/api/v1/connections/{id}/restore", post(connections::restore))
        .route("/api/v1/connections/{id}/history", get(connections::history))
        .route("/api/v1/tokens", get(tokens::list).post(tokens::create))
        .route("/api/v1/tokens/{id}", get(tokens::get).delete(tokens::revoke))
        .route("/api/v1/connections/{id}/usage", get(usage::usage))
        .route("/api/v1/connections/{id}/calls", get(usage::calls))
        .route("/api/v1/syncs", get(syncs::list).post(syncs::create))
        .route("/api/v1/syncs/{id}", get(syncs::get).patch(syncs::change).delete(syncs::delete))
        .route("/api/v1/syncs/{id}/run", post(syncs::run))
        .route("/api/v1/syncs/{id}/cancel", post(syncs::cancel))
        .route("/api/v1/syncs/{id}/pause", post(syncs::pause))
        .route("/api/v1/syncs/{id}/resume", post(syncs::resume))
        .route("/api/v1/syncs/{id}/estimate", post(syncs::estimate))
        .route("/api/v1/syncs/{id}/runs", get(syncs::runs))
        .route("/api/v1/audit", get(audit::list))
        .route("/api", any(unknown))
        .route("/api/", any(unknown))
        .route("/api/{*rest}", any(unknown))
        .method_not_allowed_fallback(wrong_method)
}

async fn unknown(_: Caller) -> Response {
    refuse(StatusCode::NOT_FOUND, "There is nothing at this path.")
}

async fn wrong_method(_: Caller) -> Response {
    refuse(StatusCode::METHOD_NOT_ALLOWED, "This path does not take this method.")
}
