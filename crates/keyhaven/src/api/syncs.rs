//! `/api/v1/syncs`.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use keyhaven_core::{
    Ctx,
    syncs::{self, Estimate, SyncInput},
};
use serde_json::{Value, json};

use super::{
    body::Object,
    problem::Failure,
    request::{Params, Which},
    wire::{Sync, SyncRunPage},
};
use crate::server::{AppState, Caller};

fn shown(ctx: &Ctx, it: syncs::Sync) -> Json<Sync> {
    Json(Sync::new(it, ctx.now()))
}

fn input(body: &mut Object) -> SyncInput {
    let share = body.number("share");
    SyncInput {
        name: body.maybe_text("name"),
        destination: body.maybe_secret("destination"),
        streams: body.texts("streams"),
        deleted: body.maybe_text("deleted"),
        share: Some(share).filter(|share| !share.is_empty()),
        schedule: body.maybe_text("schedule"),
        time_zone: body.maybe_text("time_zone"),
    }
}

pub(super) async fn list(
    Caller(ctx): Caller,
    State(state): State<AppState>,
    mut params: Params,
) -> Result<Json<Value>, Failure> {
    let connection = params.take("connection").unwrap_or_default();
    params.finish()?;
    let all = syncs::list(&state.app, &ctx, &connection).await?;
    let items: Vec<_> = all.into_iter().map(|it| Sync::new(it, ctx.now())).collect();
    Ok(Json(json!({ "items": items })))
}

pub(super) async fn create(
    Caller(ctx): Caller,
    State(state): State<AppState>,
    mut body: Object,
) -> Result<Response, Failure> {
    let connection = body.required_text("connection");
    let (input, paused) = (input(&mut body), body.flag("paused"));
    body.finish()?;
    let made = syncs::create(&state.app, &ctx, &connection, input, paused).await?;
    let location = format!("/api/v1/syncs/{}", made.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], shown(&ctx, made)).into_response())
}

pub(super) async fn get(
    Caller(ctx): Caller,
    State(state): State<AppState>,
    Which(which): Which,
) -> Result<Json<Sync>, Failure> {
    Ok(shown(&ctx, syncs::get(&state.app, &ctx, &which).await?))
}

pub(super) async fn change(
    Caller(ctx): Caller,
    State(state): State<AppState>,
    Which(which): Which,
    mut body: Object,
) -> Result<Json<Sync>, Failure> {
    let input = input(&mut body);
    body.finish()?;
    Ok(shown(&ctx, syncs::change(&state.app, &ctx, &which, input).await?))
}

pub(super) async fn delete(
    Caller(ctx): Caller,
    State(state): State<AppState>,
    Which(which): Which,
) -> Result<StatusCode, Failure> {
    syncs::delete(&state.app, &ctx, &which).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn run(
    Caller(ctx): Caller,
    State(state): State<AppState>,
    Which(which): Which,
) -> Result<Response, Failure> {
    let it = syncs::run_now(&state.app, &ctx, &which).await?;
    Ok((StatusCode::ACCEPTED, shown(&ctx, it)).into_response())
}

pub(super) async fn cancel(
    Caller(ctx): Caller,
    State(state): State<AppState>,
    Which(which): Which,
) -> Result<Response, Failure> {
    let it = syncs::cancel(&state.app, &ctx, &which).await?;
    Ok((StatusCode::ACCEPTED, shown(&ctx, it)).into_response())
}

pub(super) async fn pause(
    Caller(ctx): Caller,
    State(state): State<AppState>,
    Which(which): Which,
) -> Result<Json<Sync>, Failure> {
    Ok(shown(&ctx, syncs::pause(&state.app, &ctx, &which).await?))
}

pub(super) async fn resume(
    Caller(ctx): Caller,
    State(state): State<AppState>,
    Which(which): Which,
) -> Result<Json<Sync>, Failure> {
    Ok(shown(&ctx, syncs::resume(&state.app, &ctx, &which).await?))
}

pub(super) async fn estimate(
    Caller(ctx): Caller,
    State(state): State<AppState>,
    Which(which): Which,
) -> Result<Json<Estimate>, Failure> {
    Ok(Json(syncs::estimate_saved(&state.app, &ctx, &which).await?))
}

pub(super) async fn runs(
    Caller(ctx): Caller,
    State(state): State<AppState>,
    Which(which): Which,
    mut params: Params,
) -> Result<Json<SyncRunPage>, Failure> {
    let (limit, cursor) = (params.limit()?, params.cursor());
    params.finish()?;
    Ok(Json(syncs::runs(&state.app, &ctx, &which, limit, cursor.as_deref()).await?.into()))
}
