//! Delete and bring back.

use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    response::Response,
};
use keyhaven_core::{
    connections::{self, Removal},
    syncs,
};

use super::{
    form::Sent,
    page::{Chrome, Failure, go, show},
    view::Row,
};
use crate::server::{AppState, SignedIn};

#[derive(Template)]
#[template(path = "delete.html")]
struct Page {
    chrome: Chrome,
    row: Row,
    /// How many syncs read through it.
    syncs: usize,
}

pub(super) async fn ask(
    SignedIn(ctx): SignedIn,
    State(state): State<AppState>,
    Path(which): Path<String>,
) -> Result<Response, Failure> {
    let it = connections::get(&state.app, &ctx, &which).await?;
    let syncs = syncs::list(&state.app, &ctx, &it.id).await?.len();
    Ok(show(&Page { chrome: Chrome::new(&state, "connections"), row: Row::new(&state, &ctx, &it), syncs }))
}

pub(super) async fn delete(
    SignedIn(ctx): SignedIn,
    State(state): State<AppState>,
    Path(which): Path<String>,
    Form(sent): Sent,
) -> Result<Response, Failure> {
    let destroy = sent.iter().any(|(name, value)| name == "how" && value == "destroy");
    if destroy {
        connections::delete(&state.app, &ctx, &which, Removal::Destroy).await?;
        return Ok(go("/?done=destroyed"));
    }
    let it = connections::get(&state.app, &ctx, &which).await?;
    connections::delete(&state.app, &ctx, &which, Removal::Trash).await?;
    Ok(go(&format!("/?done=deleted&undo={}", it.slug)))
}

pub(super) async fn restore(
    SignedIn(ctx): SignedIn,
    State(state): State<AppState>,
    Path(which): Path<String>,
) -> Result<Response, Failure> {
    let it = connections::restore(&state.app, &ctx, &which).await?;
    Ok(go(&format!("/connections/{}?done=restored", it.slug)))
}
