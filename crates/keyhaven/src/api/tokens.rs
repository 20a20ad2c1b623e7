//! `/api/v1/tokens`.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use keyhaven_core::{
    policy::PolicyInput,
    tokens::{self, NewToken},
};
use serde_json::{Value, json};

use super::{body::Object, problem::Failure, request::Which, wire::AccessToken};
use crate::server::{AppState, Caller};

pub(super) async fn create(
    Caller(ctx): Caller,
    State(state): State<AppState>,
    mut body: Object,
) -> Result<Response, Failure> {
    let new = NewToken {
        id: None,
        name: body.required_text("name"),
        policy: PolicyInput {
            connections: body.texts("connections"),
            read_only: body.flag("read_only"),
            methods: body.limit("methods"),
            paths: body.limit("paths"),
            per_minute: body.number("per_minute"),
            per_day: body.number("per_day"),
            budget_share: body.number("budget_share"),
            networks: body.limit("networks"),
        },
        expires_at: body.maybe_text("expires_at").unwrap_or_default(),
    };
    body.finish()?;
    let (made, token) = tokens::create(&state.app, &ctx, new).await?;
    let location = format!("/api/v1/tokens/{}", made.id);
    let shown = AccessToken::new(&made, ctx.now()).with_text(token.expose());
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(shown)).into_response())
}

pub(super) async fn list(Caller(ctx): Caller, State(state): State<AppState>) -> Result<Json<Value>, Failure> {
    let all = tokens::list(&state.app, &ctx).await?;
    let items: Vec<_> = all.iter().map(|it| AccessToken::new(it, ctx.now())).collect();
    Ok(Json(json!({ "items": items })))
}

pub(super) async fn get(
    Caller(ctx): Caller,
    State(state): State<AppState>,
    Which(which): Which,
) -> Result<Json<AccessToken>, Failure> {
    Ok(Json(AccessToken::new(&tokens::get(&state.app, &ctx, &which).await?, ctx.now())))
}

pub(super) async fn revoke(
    Caller(ctx): Caller,
    State(state): State<AppState>,
    Which(which): Which,
) -> Result<StatusCode, Failure> {
    tokens::revoke(&state.app, &ctx, &which).await?;
    Ok(StatusCode::NO_CONTENT)
}
