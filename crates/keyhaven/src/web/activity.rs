//! Activity: the audit log for people.

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    extract::{Query, State},
    response::Response,
};
use keyhaven_core::audit::{self, Entry};

use super::{
    page::{Chrome, Failure, show},
    view::Time,
};
use crate::server::{AppState, SignedIn};

#[derive(Template)]
#[template(path = "activity.html")]
struct Page {
    chrome: Chrome,
    entries: Vec<Line>,
    /// Only a part is shown: what was done to one thing, or by one actor.
    subject: String,
    actor: String,
    older: Option<String>,
    is_older: bool,
}

struct Line {
    at: Time,
    who: String,
    actor: String,
    what: String,
    /// The page of what it was done to.
    page: Option<String>,
    client: String,
}

const ON_A_PAGE: u32 = 50;

pub(super) async fn page(
    SignedIn(ctx): SignedIn,
    State(state): State<AppState>,
    Query(mut params): Query<BTreeMap<String, String>>,
) -> Result<Response, Failure> {
    let mut take = |name: &str| params.remove(name).unwrap_or_default();
    let query = audit::Query {
        subject: take("subject"),
        actor: take("actor"),
        cursor: Some(take("before")).filter(|cursor| !cursor.is_empty()),
        limit: ON_A_PAGE,
    };
    let found = audit::list(&state.app, &ctx, &query).await?;
    let line = |it: Entry| Line {
        at: Time::new(it.at, ctx.now()),
        what: it.sentence(),
        who: it.who,
        actor: it.actor,
        page: it
            .connection
            .map(|slug| format!("/connections/{slug}"))
            .or(it.sync.map(|id| format!("/syncs/{id}"))),
        client: it.client.unwrap_or_default(),
    };
    Ok(show(&Page {
        chrome: Chrome::new(&state, "activity"),
        entries: found.items.into_iter().map(line).collect(),
        subject: query.subject,
        actor: query.actor,
        older: found.next,
        is_older: query.cursor.is_some(),
    }))
}
