//! For whoever watches over the server.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::problem::Failure;
use crate::server::{AppState, Caller};

/// The process answers.
pub(super) async fn healthz() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// The database answers, too.
pub(super) async fn readyz(State(state): State<AppState>) -> Response {
    match state.app.ready().await {
        Ok(()) => Json(json!({ "status": "ok" })).into_response(),
        Err(error) => {
            tracing::error!(%error, "not ready");
            let (detail, remedy) =
                ("The database does not answer.", "Look at the database and at the server's log.");
            Failure::new(StatusCode::SERVICE_UNAVAILABLE, "database_unavailable", detail, remedy)
                .into_response()
        }
    }
}

/// Counters for Prometheus.
pub(super) async fn metrics(Caller(ctx): Caller, State(state): State<AppState>) -> Result<Response, Failure> {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], state.app.metrics_text(&ctx).await?).into_response())
}
