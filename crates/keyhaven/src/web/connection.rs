//! The page of one connection, and what its buttons do.

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use keyhaven_core::{Connection, Ctx, Error, Field, Status, connections, syncs};

use super::{
    history::History,
    page::{Chrome, Failure, Note, go, show_with},
    syncs::SyncRow,
    usage::{Asked, Use},
    view::Row,
};
use crate::server::{AppState, SignedIn};

#[derive(Template)]
#[template(path = "connection.html")]
pub(super) struct Page {
    pub chrome: Chrome,
    pub row: Row,
    pub note: Option<Note>,
    pub question: Option<Question>,
    pub usage: Use,
    pub history: History,
    /// Records of this app can be copied.
    pub can_copy: bool,
    /// What copies them.
    pub rows: Vec<SyncRow>,
    /// Label and value of the plain fields.
    pub values: Vec<(String, String)>,
    /// Labels of the secret fields.
    pub secrets: Vec<String>,
    pub rename: Rename,
}

/// A key of another company waits for a yes.
pub(super) struct Question {
    pub new: String,
    pub until: String,
}

/// The form for the name.
#[derive(Default)]
pub(super) struct Rename {
    pub open: bool,
    pub value: String,
    pub error: Option<String>,
}

pub(super) async fn page(
    SignedIn(ctx): SignedIn,
    State(state): State<AppState>,
    Path(which): Path<String>,
    Query(params): Query<BTreeMap<String, String>>,
) -> Result<Response, Failure> {
    let it = connections::get(&state.app, &ctx, &which).await?;
    let note = params.get("done").and_then(|done| note(done, it.status));
    let rename = Rename { open: params.contains_key("rename"), value: it.name.clone(), ..Rename::default() };
    Ok(show_with(StatusCode::OK, &read(&state, &ctx, it, note, rename, &Asked::new(&params)).await?))
}

/// What was done is told by a word in the address, never by its text: nobody can put words into the page.
fn note(done: &str, status: Status) -> Option<Note> {
    let text = match (done, status) {
        ("saved", Status::Valid) => "Saved.",
        ("saved", Status::Invalid) => return Some(Note::plain("Saved, but it does not work yet.")),
        ("saved", _) => return Some(Note::plain("Saved. Whether it works could not be found out yet.")),
        ("renamed", _) => "Renamed.",
        ("restored", _) => "Restored. It is being verified again.",
        ("kept", _) => "The saved key was kept; the new one was thrown away.",
        _ => return None,
    };
    Some(Note::good(text))
}

/// The page again, after a name that cannot be.
pub(super) async fn with_rename_error(
    state: &AppState,
    ctx: &Ctx,
    which: &str,
    name: String,
    message: String,
) -> Response {
    let rename = Rename { open: true, value: name, error: Some(message) };
    let page = async {
        let it = connections::get(&state.app, ctx, which).await?;
        read(state, ctx, it, None, rename, &Asked::default()).await
    };
    match page.await {
        Ok(page) => show_with(StatusCode::UNPROCESSABLE_ENTITY, &page),
        Err(error) => Failure::from(error).into_response(),
    }
}

async fn read(
    state: &AppState,
    ctx: &Ctx,
    it: Connection,
    note: Option<Note>,
    rename: Rename,
    asked: &Asked,
) -> Result<Page, Error> {
    let copies = syncs::list(&state.app, ctx, &it.id).await?;
    let pending = connections::pending(&state.app, ctx, &it.id).await?;
    let fields = state.app.catalogue().get(&it.connector).map_or(&[][..], |connector| &connector.fields);
    let shown = |field: &Field| {
        let value = it.fields.get(&field.id).filter(|value| !value.is_empty())?;
        Some((field.label.clone(), format!("{value}{}", field.suffix.as_deref().unwrap_or_default())))
    };
    Ok(Page {
        chrome: Chrome::new(state, "connections"),
        row: Row::new(state, ctx, &it),
        note,
        question: pending.map(|pending| Question {
            new: pending.account.line(),
            until: super::view::Time::new(pending.expires_at, ctx.now()).ago,
        }),
        usage: Use::read(state, ctx, &it, asked).await?,
        history: History::read(&state.app, ctx, &it.id).await?,
        can_copy: !syncs::streams_of(&state.app, &it.connector).is_empty(),
        rows: copies.iter().map(|one| SyncRow::new(ctx, one)).collect(),
        values: fields.iter().filter(|field| !field.is_secret()).filter_map(shown).collect(),
        secrets: fields.iter().filter(|field| field.is_secret()).map(|field| field.label.clone()).collect(),
        rename,
    })
}

pub(super) async fn verify(
    SignedIn(ctx): SignedIn,
    State(state): State<AppState>,
    Path(which): Path<String>,
) -> Result<Response, Failure> {
    let it = connections::verify(&state.app, &ctx, &which).await?;
    Ok(go(&format!("/connections/{}", it.slug)))
}

pub(super) async fn use_suggestion(
    SignedIn(ctx): SignedIn,
    State(state): State<AppState>,
    Path(which): Path<String>,
) -> Result<Response, Failure> {
    let it = connections::use_suggestion(&state.app, &ctx, &which).await?;
    Ok(go(&format!("/connections/{}?done=saved", it.slug)))
}

/// Yes or no to a key of another company.
pub(super) async fn answer(
    SignedIn(ctx): SignedIn,
    State(state): State<AppState>,
    Path((which, answer)): Path<(String, String)>,
) -> Result<Response, Failure> {
    match answer.as_str() {
        "accept" => {
            let it = connections::accept_pending(&state.app, &ctx, &which).await?;
            Ok(go(&format!("/connections/{}?done=saved", it.slug)))
        }
        "discard" => {
            connections::discard_pending(&state.app, &ctx, &which).await?;
            let it = connections::get(&state.app, &ctx, &which).await?;
            Ok(go(&format!("/connections/{}?done=kept", it.slug)))
        }
        _ => Ok(super::refuse(StatusCode::NOT_FOUND, "There is no such answer.")),
    }
}
