//! Syncs: the list, the page of one with its live progress, and what its buttons do.

mod estimate;
mod form;
mod view;

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::{HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use keyhaven_core::syncs::{self, Sync};

pub(super) use estimate::page as estimate;
pub(super) use form::{change, create, edit_form, new_form};
pub(super) use view::{SyncRow, is_any_live};

use super::{
    page::{Chrome, Failure, Note, go, show},
    view::Time,
};
use crate::server::{AppState, SignedIn};
use view::RunRow;

#[derive(Template)]
#[template(path = "syncs.html")]
struct List {
    chrome: Chrome,
    note: Option<Note>,
    rows: Vec<SyncRow>,
}

#[derive(Template)]
#[template(path = "sync.html")]
struct Page {
    chrome: Chrome,
    note: Option<Note>,
    row: SyncRow,
    runs: Vec<RunRow>,
    chart: Option<String>,
    older: Option<String>,
    is_older: bool,
    facts: Vec<(&'static str, String)>,
    /// When the schedule has it run next; nothing while it is paused.
    next_times: Vec<Time>,
}

/// How the run stands: part of the page, and alone when it looks again.
#[derive(Template)]
#[template(path = "sync_live.html")]
struct Live {
    row: SyncRow,
}

#[derive(Template)]
#[template(path = "sync_delete.html")]
struct Delete {
    chrome: Chrome,
    row: SyncRow,
}

fn chrome(state: &AppState) -> Chrome {
    Chrome::new(state, "syncs")
}

pub(super) async fn list(
    SignedIn(ctx): SignedIn,
    State(state): State<AppState>,
    Query(params): Query<BTreeMap<String, String>>,
) -> Result<Response, Failure> {
    let all = syncs::list(&state.app, &ctx, "").await?;
    let is_deleted = params.get("done").is_some_and(|done| done == "deleted");
    let note = is_deleted.then(|| Note::plain("The sync is deleted. What it has copied is where it was."));
    let rows = all.iter().map(|it| SyncRow::new(&ctx, it)).collect();
    Ok(show(&List { chrome: chrome(&state), note, rows }))
}

/// Runs on a page.
const ON_A_PAGE: u32 = 30;

pub(super) async fn page(
    SignedIn(ctx): SignedIn,
    State(state): State<AppState>,
    Path(which): Path<String>,
    Query(params): Query<BTreeMap<String, String>>,
) -> Result<Response, Failure> {
    let it = syncs::get(&state.app, &ctx, &which).await?;
    let before = params.get("before").map(String::as_str);
    let found = syncs::runs(&state.app, &ctx, &it.id, ON_A_PAGE, before).await?;
    let note = match params.get("done").map(String::as_str) {
        Some("saved") => Some(Note::good("Saved.")),
        _ => None,
    };
    Ok(show(&Page {
        chrome: chrome(&state),
        note,
        row: SyncRow::new(&ctx, &it),
        chart: view::chart(&ctx, &found.items),
        // The one that is under way is shown above.
        runs: found
            .items
            .iter()
            .filter(|run| !it.is_running || run.finished_at.is_some())
            .map(|run| RunRow::new(&ctx, run))
            .collect(),
        older: found.next,
        is_older: before.is_some(),
        next_times: it
            .schedule
            .following(ctx.now(), if it.is_paused { 0 } else { 3 })
            .into_iter()
            .map(|at| Time::in_zone(at, ctx.now(), &it.schedule.time_zone))
            .collect(),
        facts: facts(&state, &it),
    }))
}

fn facts(state: &AppState, it: &Sync) -> Vec<(&'static str, String)> {
    let streams = match it.streams.len() {
        0 => "All that the app has".into(),
        _ => view::records(&it.streams.join(", ")),
    };
    vec![
        ("Destination", syncs::file_of(&state.app, it).unwrap_or_else(|| it.destination.clone())),
        ("Records", streams),
        ("Deleted records", view::deleted(it.deleted).into()),
        ("Share of the budget", format!("At most {} % of what is left of the day's budget", it.share)),
    ]
}

/// Asked by the page each second while a run is under way. Once it is over the page is loaded anew.
pub(super) async fn live(
    SignedIn(ctx): SignedIn,
    State(state): State<AppState>,
    Path(which): Path<String>,
) -> Result<Response, Failure> {
    let row = SyncRow::new(&ctx, &syncs::get(&state.app, &ctx, &which).await?);
    let is_over = !row.is_live;
    let mut answer = show(&Live { row });
    if is_over {
        let (name, yes) = (HeaderName::from_static("hx-refresh"), HeaderValue::from_static("true"));
        answer.headers_mut().insert(name, yes);
    }
    Ok(answer)
}

pub(super) async fn act(
    SignedIn(ctx): SignedIn,
    State(state): State<AppState>,
    Path((which, deed)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let app = &state.app;
    let it = match deed.as_str() {
        "start" => syncs::start(app, &ctx, &which).await?,
        "run" => syncs::run_now(app, &ctx, &which).await?,
        "cancel" => syncs::cancel(app, &ctx, &which).await?,
        "pause" => syncs::pause(app, &ctx, &which).await?,
        "resume" => syncs::resume(app, &ctx, &which).await?,
        _ => return Ok(super::refuse(StatusCode::NOT_FOUND, "A sync has no such button.")),
    };
    Ok(go(&format!("/syncs/{}", it.id)))
}

pub(super) async fn ask(
    SignedIn(ctx): SignedIn,
    State(state): State<AppState>,
    Path(which): Path<String>,
) -> Result<Response, Failure> {
    let row = SyncRow::new(&ctx, &syncs::get(&state.app, &ctx, &which).await?);
    Ok(show(&Delete { chrome: chrome(&state), row }).into_response())
}

pub(super) async fn delete(
    SignedIn(ctx): SignedIn,
    State(state): State<AppState>,
    Path(which): Path<String>,
) -> Result<Response, Failure> {
    syncs::delete(&state.app, &ctx, &which).await?;
    Ok(go("/syncs?done=deleted"))
}
