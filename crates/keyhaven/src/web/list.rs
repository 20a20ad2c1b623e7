//! The list of connections, and the trash.

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    extract::{Query, State},
    response::Response,
};
use keyhaven_core::{
    Ctx,
    connections::{self, Attention, COUNTED, Counts, ListQuery},
};

use super::{
    page::{Chrome, Failure, show},
    view::Row,
};
use crate::server::{AppState, SignedIn};

/// Says what was just done.
pub(super) struct Note {
    pub text: String,
    pub undo: Option<String>,
}

#[derive(Template)]
#[template(path = "list.html")]
struct Page {
    chrome: Chrome,
    note: Option<Note>,
    deleted: bool,
    /// There is nothing yet: invite the first connection.
    first: bool,
    has_deleted: bool,
    summary: String,
    query: ListQuery,
    statuses: [(&'static str, &'static str); 4],
    apps: Vec<(String, String)>,
    rows: Vec<Row>,
    previous: Option<String>,
    next: Option<String>,
}

const STATUSES: [(&str, &str); 4] = [
    ("", "All statuses"),
    ("valid", "✓ Verified"),
    ("attention", "! All that need attention"),
    ("unverified", "! Not verified"),
];

type Params = Query<BTreeMap<String, String>>;

pub(super) async fn page(
    SignedIn(ctx): SignedIn,
    State(state): State<AppState>,
    Query(params): Params,
) -> Result<Response, Failure> {
    let text = |name: &str| params.get(name).cloned().unwrap_or_default();
    let query = ListQuery {
        search: text("q"),
        attention: Attention::parse(&text("status")).unwrap_or_default(),
        connector: text("app"),
        deleted: false,
        cursor: params.get("cursor").cloned(),
        limit: 0,
    };
    let note = note(&state, &ctx, &params).await;
    render(&state, &ctx, query, note).await
}

pub(super) async fn deleted(
    SignedIn(ctx): SignedIn,
    State(state): State<AppState>,
    Query(params): Params,
) -> Result<Response, Failure> {
    let query = ListQuery { deleted: true, cursor: params.get("cursor").cloned(), ..ListQuery::default() };
    render(&state, &ctx, query, None).await
}

/// What was done is told by a word in the address, never by its text: nobody can put words into the page.
async fn note(state: &AppState, ctx: &Ctx, params: &BTreeMap<String, String>) -> Option<Note> {
    match params.get("done").map(String::as_str) {
        Some("destroyed") => Some(Note { text: "Deleted, and the key destroyed.".into(), undo: None }),
        Some("deleted") => {
            let it = connections::get(&state.app, ctx, params.get("undo")?).await.ok()?;
            it.deleted_at?;
            Some(Note { text: format!("“{}” was deleted.", it.name), undo: Some(it.slug) })
        }
        _ => None,
    }
}

async fn render(
    state: &AppState,
    ctx: &Ctx,
    query: ListQuery,
    note: Option<Note>,
) -> Result<Response, Failure> {
    let counts = connections::counts(&state.app, ctx).await?;
    let page = connections::list(&state.app, ctx, &query).await?;
    let link = |cursor: Option<String>| cursor.map(|cursor| address(&query, &cursor));
    Ok(show(&Page {
        chrome: Chrome::new(state, "connections"),
        note,
        deleted: query.deleted,
        first: counts.all == 0 && !query.deleted,
        has_deleted: counts.deleted > 0,
        summary: summary(counts),
        statuses: STATUSES,
        apps: state.app.catalogue().iter().map(|app| (app.id.clone(), app.name.clone())).collect(),
        rows: page.items.iter().map(|it| Row::new(state, ctx, it)).collect(),
        previous: link(page.previous),
        next: link(page.next),
        query,
    }))
}

fn summary(counts: Counts) -> String {
    let many = |count: i64| if count == COUNTED { format!("{COUNTED} or more") } else { count.to_string() };
    match (counts.all, counts.attention) {
        (0, _) => "An app's key is saved once, checked at once, and used without being seen again.".into(),
        (all, 0) => format!("{} saved, all verified.", many(all)),
        (all, 1) => format!("{} saved, one needs attention.", many(all)),
        (all, attention) => format!("{} saved, {} need attention.", many(all), many(attention)),
    }
}

fn address(query: &ListQuery, cursor: &str) -> String {
    if query.deleted {
        return format!("/connections/deleted?cursor={cursor}");
    }
    let pairs =
        [("q", query.search.as_str()), ("status", query.attention.as_str()), ("app", &query.connector)];
    let mut address = format!("/?cursor={cursor}");
    for (name, value) in pairs.into_iter().filter(|(_, value)| !value.is_empty()) {
        address += &format!("&{name}={}", encode(value));
    }
    address
}

fn encode(value: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    value
        .bytes()
        .map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
