//! Access tokens: the list, the form, the one time that a text is shown, and the end.

mod form;

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    Form,
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
};
use keyhaven_core::{
    Ctx, Error, StoreError, connections,
    tokens::{self, AccessToken},
};

use super::{
    form::Sent,
    page::{Chrome, Failure, Note, go, show, show_with},
    view::Time,
};
use crate::{
    api::wire,
    server::{AppState, SignedIn},
};
use form::{Filled, FormPage};

/// One token of the list.
struct Row {
    id: String,
    name: String,
    hint: String,
    state: String,
    /// What it may do, a limit in each entry.
    may: Vec<String>,
    /// The connections that it is limited to, by name.
    connections: Vec<String>,
    created_at: Time,
    last_used_at: Option<Time>,
    expires_at: Option<Time>,
    revoked_at: Option<Time>,
}

#[derive(Template)]
#[template(path = "tokens.html")]
struct List {
    chrome: Chrome,
    note: Option<Note>,
    /// Those that work.
    active: Vec<Row>,
    /// Those that are revoked or expired.
    ended: Vec<Row>,
}

#[derive(Template)]
#[template(path = "token_made.html")]
struct Made {
    chrome: Chrome,
    row: Row,
    text: String,
    base: String,
}

#[derive(Template)]
#[template(path = "token_revoke.html")]
struct Revoke {
    chrome: Chrome,
    row: Row,
}

fn chrome(state: &AppState) -> Chrome {
    Chrome::new(state, "tokens")
}

pub(super) async fn list(
    SignedIn(ctx): SignedIn,
    State(state): State<AppState>,
    Query(params): Query<BTreeMap<String, String>>,
) -> Result<Response, Failure> {
    let (mut active, mut ended) = (Vec::new(), Vec::new());
    for token in tokens::list(&state.app, &ctx).await? {
        let rows = if token.is_live(ctx.now()) { &mut active } else { &mut ended };
        rows.push(row(&state, &ctx, &token).await?);
    }
    let note = match params.get("done").map(String::as_str) {
        Some("revoked") => Some("Revoked. Whoever shows this token is refused from now on."),
        Some("before") => Some(
            "That form was sent before, and its token is in the list. It was shown once: if it was not copied, revoke it and \
             make another.",
        ),
        _ => None,
    };
    let note = note.map(Note::plain);
    Ok(show(&List { chrome: chrome(&state), note, active, ended }))
}

async fn row(state: &AppState, ctx: &Ctx, it: &AccessToken) -> Result<Row, Error> {
    let wire = wire::AccessToken::new(it, ctx.now());
    let mut names = Vec::new();
    for id in it.policy.connections.iter().flatten() {
        match connections::get(&state.app, ctx, id).await {
            Ok(connection) => names.push(connection.name),
            Err(Error::NotFound { .. }) => names.push("one that is destroyed".into()),
            Err(error) => return Err(error),
        }
    }
    let time = |at: i64| Time::new(at, ctx.now());
    Ok(Row {
        may: wire.may(),
        state: wire.state,
        id: it.id.clone(),
        name: it.name.clone(),
        hint: it.hint.clone(),
        connections: names,
        created_at: time(it.created_at),
        last_used_at: it.last_used_at.map(time),
        expires_at: it.expires_at.map(time),
        revoked_at: it.revoked_at.map(time),
    })
}

pub(super) async fn form(
    SignedIn(ctx): SignedIn,
    State(state): State<AppState>,
) -> Result<Response, Failure> {
    let filled = Filled { id: tokens::new_id(&ctx), ..Filled::default() };
    Ok(show(&FormPage::new(&state, &ctx, filled, Vec::new()).await?))
}

/// The answer is the page with the token itself: it is shown once, and no address leads to it.
pub(super) async fn create(
    SignedIn(ctx): SignedIn,
    State(state): State<AppState>,
    Form(sent): Sent,
) -> Result<Response, Failure> {
    let filled = Filled::new(sent);
    // The page with the token was asked for again.
    if tokens::get(&state.app, &ctx, &filled.id).await.is_ok() {
        return Ok(go("/tokens?done=before"));
    }
    match tokens::create(&state.app, &ctx, filled.wanted()).await {
        Ok((made, token)) => Ok(show(&Made {
            chrome: chrome(&state),
            row: row(&state, &ctx, &made).await?,
            text: token.expose().to_owned(),
            base: state.site.public_url.clone(),
        })),
        Err(Error::Invalid(errors)) => {
            let page = FormPage::new(&state, &ctx, filled, errors).await?;
            Ok(show_with(axum::http::StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
        // Sent twice at once.
        Err(Error::Store(StoreError::Conflict)) => Ok(go("/tokens?done=before")),
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn ask(
    SignedIn(ctx): SignedIn,
    State(state): State<AppState>,
    Path(which): Path<String>,
) -> Result<Response, Failure> {
    let it = tokens::get(&state.app, &ctx, &which).await?;
    if it.revoked_at.is_some() {
        return Ok(go("/tokens"));
    }
    Ok(show(&Revoke { chrome: chrome(&state), row: row(&state, &ctx, &it).await? }).into_response())
}

pub(super) async fn revoke(
    SignedIn(ctx): SignedIn,
    State(state): State<AppState>,
    Path(which): Path<String>,
) -> Result<Response, Failure> {
    tokens::revoke(&state.app, &ctx, &which).await?;
    Ok(go("/tokens?done=revoked"))
}
