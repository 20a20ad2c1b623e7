//! The page of one connection.

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use keyhaven_core::{
    Ctx, Error, Status,
    connections::{self, Day},
};

use super::{
    list::Note,
    page::{Chrome, Failure, go, show_with},
    view::{Row, Time},
};
use crate::server::{AppState, SignedIn};

#[derive(Template)]
#[template(path = "connection.html")]
struct Page {
    chrome: Chrome,
    row: Row,
    note: Option<Note>,
    question: Option<Question>,
    history: History,
    values: Vec<(String, String)>,
    secrets: Vec<String>,
    rename_error: Option<String>,
}

struct Question {
    new: String,
}

struct History {
    summary: String,
    bars: Vec<Bar>,
}

struct Bar {
    x: usize,
    class: &'static str,
    title: String,
}

pub(super) async fn page(
    SignedIn(ctx): SignedIn,
    State(state): State<AppState>,
    Path(which): Path<String>,
    Query(params): Query<BTreeMap<String, String>>,
) -> Result<Response, Failure> {
    let note = match params.get("done").map(String::as_str) {
        Some("saved") => Some("Saved."),
        Some("renamed") => Some("Renamed."),
        Some("restored") => Some("Restored. It is being verified again."),
        Some("kept") => Some("The saved key was kept."),
        _ => None,
    };
    let note = note.map(|text| Note { text: text.into(), undo: None });
    Ok(show_with(StatusCode::OK, &read(&state, &ctx, &which, note, None).await?))
}

pub(super) async fn with_rename_error(state: &AppState, ctx: &Ctx, which: &str, message: String) -> Response {
    match read(state, ctx, which, None, Some(message)).await {
        Ok(page) => show_with(StatusCode::UNPROCESSABLE_ENTITY, &page),
        Err(error) => Failure::from(error).into_response(),
    }
}

async fn read(
    state: &AppState,
    ctx: &Ctx,
    which: &str,
    note: Option<Note>,
    rename_error: Option<String>,
) -> Result<Page, Error> {
    let it = connections::get(&state.app, ctx, which).await?;
    let days = connections::history(&state.app, ctx, which).await?;
    let pending = connections::pending(&state.app, ctx, which).await?;
    let fields = state
        .app
        .catalogue()
        .get(&it.connector)
        .map(|connector| connector.fields.as_slice())
        .unwrap_or_default();
    let plain = fields.iter().filter(|field| !field.is_secret());
    let shown = |field: &keyhaven_core::Field| {
        let value = it.fields.get(&field.id).filter(|value| !value.is_empty())?;
        Some((field.label.clone(), format!("{value}{}", field.suffix.as_deref().unwrap_or_default())))
    };
    Ok(Page {
        chrome: Chrome::new(state, "connections"),
        row: Row::new(state, ctx, &it),
        note,
        question: pending.map(|pending| Question { new: pending.account.line() }),
        history: history(&days, ctx),
        values: plain.filter_map(shown).collect(),
        secrets: fields.iter().filter(|field| field.is_secret()).map(|field| field.label.clone()).collect(),
        rename_error,
    })
}

fn history(days: &[Day], ctx: &Ctx) -> History {
    let bar = |(n, day): (usize, &Day)| {
        let date = Time::new(day.start, ctx.now());
        let (class, words) = match day.worst() {
            None => ("none", "not checked".to_owned()),
            Some(worst) => (worst.as_str(), counted(day)),
        };
        Bar { x: n * 10 + 1, class, title: format!("{}: {words}", date.day()) }
    };
    let sum = |count: fn(&Day) -> i64| days.iter().map(count).sum::<i64>();
    let (valid, invalid, unverified) =
        (sum(|day| day.valid), sum(|day| day.invalid), sum(|day| day.unverified));
    let all = valid + invalid + unverified;
    let summary = match all {
        0 => "no checks yet".into(),
        _ => format!(
            "{all} {}: {}",
            if all == 1 { "check" } else { "checks" },
            parts(valid, invalid, unverified)
        ),
    };
    History { summary, bars: days.iter().enumerate().map(bar).collect() }
}

fn counted(day: &Day) -> String {
    parts(day.valid, day.invalid, day.unverified)
}

fn parts(valid: i64, invalid: i64, unverified: i64) -> String {
    let all = [
        (valid, Status::Valid, "✓"),
        (invalid, Status::Invalid, "refused"),
        (unverified, Status::Unverified, "no answer"),
    ];
    let words =
        all.into_iter().filter(|(count, ..)| *count > 0).map(|(count, _, word)| format!("{count} {word}"));
    words.collect::<Vec<_>>().join(", ")
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
