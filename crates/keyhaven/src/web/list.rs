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
    syncs,
};

use super::{
    page::{Chrome, Failure, Note, show},
    syncs::SyncRow,
    view::Row,
};
use crate::server::{AppState, SignedIn};

#[derive(Template)]
#[template(path = "list.html")]
pub(super) struct Page {
    pub chrome: Chrome,
    pub note: Option<Note>,
    /// A sync that only waits for its start.
    pub ready: Option<SyncRow>,
    pub deleted: bool,
    /// There is nothing yet: invite the first connection.
    pub first: bool,
    pub has_deleted: bool,
    pub summary: String,
    pub query: ListQuery,
    pub statuses: [(&'static str, &'static str); 5],
    pub apps: Vec<(String, String)>,
    pub rows: Vec<Row>,
    pub previous: Option<String>,
    pub next: Option<String>,
}

impl Page {
    /// What a search brought, for whoever cannot see the list change.
    fn found(&self) -> String {
        let more = if self.next.is_some() || self.previous.is_some() { " on this page" } else { "" };
        match self.rows.len() {
            0 => "Nothing found".into(),
            1 => format!("1 connection{more}"),
            count => format!("{count} connections{more}"),
        }
    }
}

pub(super) const STATUSES: [(&str, &str); 5] = [
    ("", "All statuses"),
    ("valid", "✓ Verified"),
    ("attention", "! All that need attention"),
    ("invalid", "! Does not work"),
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
        Some("destroyed") => Some(Note::good("Deleted, and the key destroyed.")),
        Some("deleted") => {
            let it = connections::get(&state.app, ctx, params.get("undo")?).await.ok()?;
            it.deleted_at?;
            Some(Note { undo: Some(it.slug), ..Note::good(format!("“{}” was deleted.", it.name)) })
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
    let ready = if query == ListQuery::default() { syncs::unstarted(&state.app, ctx).await? } else { None };
    let link = |cursor: Option<String>| cursor.map(|cursor| address(&query, &cursor));
    Ok(show(&Page {
        chrome: Chrome::new(state, "connections"),
        note,
        ready: ready.map(|it| SyncRow::new(ctx, &it)),
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
        (0, _) => "An app's key is saved once, checked at once, and never shown again.".into(),
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
