//! The form of a sync: new, and to edit.

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    Form,
    extract::{Path, Query, State},
    http::StatusCode,
    response::Response,
};
use keyhaven_core::{
    Ctx, Error, FieldError, Secret,
    connections::{self, ListQuery},
    syncs::{self, Kind, Sync, SyncInput, deleted_word},
};

use super::{
    chrome,
    view::{place, records},
};
use crate::{
    server::{AppState, SignedIn},
    web::{
        form::{Problem, Sent},
        page::{Chrome, Failure, go, show, show_with},
    },
};

/// Schedules that are offered.
const OFFERED: [(&str, &str); 5] = [
    ("every hour", "Every hour"),
    ("every 15 minutes", "Every 15 minutes"),
    ("daily at 06:00", "Every day at 06:00"),
    ("every monday at 06:00", "Every Monday at 06:00"),
    ("manual", "Only when somebody runs it"),
];
const OTHER: &str = "other";
/// Fields from top to bottom.
const ORDER: [&str; 7] = ["destination", "streams", "schedule", "time_zone", "deleted", "name", "share"];
/// Connections that are offered.
const CONNECTIONS: u32 = 200;

/// What was typed, to be shown again. What may be a password is not among it.
#[derive(Clone, Default)]
pub(super) struct Filled {
    connection: String,
    name: String,
    destination: String,
    all: bool,
    streams: Vec<String>,
    when: String,
    schedule: String,
    time_zone: String,
    deleted: String,
    share: String,
}

impl Filled {
    fn fresh(connection: &str) -> Self {
        Self {
            connection: connection.into(),
            all: true,
            when: OFFERED[0].0.into(),
            time_zone: "UTC".into(),
            deleted: "keep".into(),
            share: "50".into(),
            ..Self::default()
        }
    }

    fn of(it: &Sync) -> Self {
        let text = &it.schedule.text;
        let offered = OFFERED.iter().any(|(word, _)| word == text);
        Self {
            connection: it.connection_slug.clone(),
            name: it.name.clone(),
            destination: String::new(),
            all: it.streams.is_empty(),
            streams: it.streams.clone(),
            when: if offered { text.clone() } else { OTHER.into() },
            schedule: if offered { String::new() } else { text.clone() },
            time_zone: it.schedule.time_zone.clone(),
            deleted: deleted_word(it.deleted).into(),
            share: it.share.to_string(),
        }
    }

    fn sent(sent: Vec<(String, String)>) -> Self {
        let mut it = Self::fresh("");
        it.all = false;
        for (name, value) in sent {
            match name.as_str() {
                "connection" => it.connection = value,
                "name" => it.name = value,
                "destination" => it.destination = value,
                "which" => it.all = value == "all",
                "stream" => it.streams.push(value),
                "when" => it.when = value,
                "schedule" => it.schedule = value,
                "time_zone" => it.time_zone = value,
                "deleted" => it.deleted = value,
                "share" => it.share = value,
                _ => {}
            }
        }
        it
    }

    fn wanted(&mut self) -> Result<SyncInput, FieldError> {
        let typed = std::mem::take(&mut self.destination);
        // The name of a file is shown again; an address may hold a password.
        if !typed.contains(':') {
            self.destination.clone_from(&typed);
        }
        if !self.all && self.streams.is_empty() {
            let message = "Tick at least one kind of records, or choose all.".into();
            return Err(FieldError { field: "streams".into(), message });
        }
        // “Other” and nothing else is no schedule, and is told so.
        let is_other = self.when == OTHER && !self.schedule.trim().is_empty();
        let schedule = if is_other { self.schedule.clone() } else { self.when.clone() };
        Ok(SyncInput {
            name: Some(self.name.clone()),
            destination: Some(Secret::new(typed)),
            streams: Some(if self.all { Vec::new() } else { self.streams.clone() }),
            deleted: Some(self.deleted.clone()),
            share: Some(self.share.clone()),
            schedule: Some(schedule),
            time_zone: Some(self.time_zone.clone()),
        })
    }
}

/// One box to tick.
struct Choice {
    value: String,
    label: String,
    ticked: bool,
}

#[derive(Template)]
#[template(path = "sync_form.html")]
struct FormPage {
    chrome: Chrome,
    action: String,
    back: String,
    /// The name of the sync that is edited; empty: a new one.
    editing: String,
    /// Where it writes now.
    writes_to: String,
    connection: String,
    filled: Filled,
    /// Kinds of records by name, and what they are.
    kinds: [(&'static str, Vec<Choice>); 2],
    schedules: Vec<Choice>,
    other: bool,
    problems: Vec<Problem>,
    errors: BTreeMap<String, String>,
    open: bool,
}

impl FormPage {
    fn error(&self, field: &str) -> Option<&String> {
        self.errors.get(field)
    }
}

#[derive(Template)]
#[template(path = "sync_choose.html")]
struct Choose {
    chrome: Chrome,
    /// Slug, name and account.
    connections: Vec<(String, String, String)>,
}

/// By name. A part of another's table is offered only where it was chosen by itself.
fn choices(all: &[Kind], filled: &Filled, is_beside: bool) -> Vec<Choice> {
    let is_chosen = |it: &&Kind| filled.streams.contains(&it.name);
    let offered = all.iter().filter(|it| it.is_beside == is_beside && (it.is_whole || is_chosen(it)));
    let choice =
        |it: &Kind| Choice { label: records(&it.name), ticked: is_chosen(&it), value: it.name.clone() };
    let mut choices: Vec<Choice> = offered.map(choice).collect();
    choices.sort_by(|one, other| one.label.cmp(&other.label));
    choices
}

async fn form(
    state: &AppState,
    ctx: &Ctx,
    filled: Filled,
    old: Option<&Sync>,
    mut errors: Vec<FieldError>,
) -> Result<FormPage, Error> {
    let on = connections::get(&state.app, ctx, &filled.connection).await?;
    let all = syncs::streams_of(&state.app, &on.connector);
    let schedule = |(value, label): (&str, &str)| Choice {
        ticked: filled.when == value,
        value: value.into(),
        label: label.into(),
    };
    // As they stand on the page.
    errors.sort_by_key(|it| ORDER.iter().position(|field| *field == it.field));
    let problem = |it: &FieldError| Problem { field: it.field.clone(), text: it.message.clone(), link: None };
    Ok(FormPage {
        chrome: chrome(state),
        action: old.map_or("/syncs/new".into(), |it| format!("/syncs/{}/edit", it.id)),
        back: old.map_or_else(|| format!("/connections/{}", on.slug), |it| format!("/syncs/{}", it.id)),
        editing: old.map(|it| it.name.clone()).unwrap_or_default(),
        writes_to: old.map(|it| place(&it.destination).to_owned()).unwrap_or_default(),
        kinds: [
            ("Records", choices(&all, &filled, false)),
            ("Lists and fields that belong to them", choices(&all, &filled, true)),
        ],
        connection: on.name,
        schedules: OFFERED.into_iter().map(schedule).collect(),
        other: filled.when == OTHER,
        problems: errors.iter().map(problem).collect(),
        open: filled.share != "50" || errors.iter().any(|it| matches!(it.field.as_str(), "share" | "name")),
        errors: errors.into_iter().map(|it| (it.field, it.message)).collect(),
        filled,
    })
}

pub(in crate::web) async fn new_form(
    SignedIn(ctx): SignedIn,
    State(state): State<AppState>,
    Query(params): Query<BTreeMap<String, String>>,
) -> Result<Response, Failure> {
    if let Some(which) = params.get("connection") {
        return Ok(show(&form(&state, &ctx, Filled::fresh(which), None, Vec::new()).await?));
    }
    let query = ListQuery { limit: CONNECTIONS, ..ListQuery::default() };
    let mut all = connections::list(&state.app, &ctx, &query).await?.items;
    all.retain(|it| !syncs::streams_of(&state.app, &it.connector).is_empty());
    if let [one] = &all[..] {
        return Ok(go(&format!("/syncs/new?connection={}", one.slug)));
    }
    let row = |it: keyhaven_core::Connection| {
        (it.slug, it.name, it.account.map(|account| account.line()).unwrap_or_default())
    };
    Ok(show(&Choose { chrome: chrome(&state), connections: all.into_iter().map(row).collect() }))
}

/// What is new waits for its start: the page after this tells what that will take.
pub(in crate::web) async fn create(
    SignedIn(ctx): SignedIn,
    State(state): State<AppState>,
    Form(sent): Sent,
) -> Result<Response, Failure> {
    let mut filled = Filled::sent(sent);
    let made = match filled.wanted() {
        Ok(input) => syncs::create(&state.app, &ctx, &filled.connection, input, true).await,
        Err(wrong) => Err(Error::Invalid(vec![wrong])),
    };
    match made {
        Ok(it) => Ok(go(&format!("/syncs/{}/estimate", it.id))),
        Err(Error::Invalid(errors)) => {
            let page = form(&state, &ctx, filled, None, errors).await?;
            Ok(show_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
        Err(error) => Err(error.into()),
    }
}

pub(in crate::web) async fn edit_form(
    SignedIn(ctx): SignedIn,
    State(state): State<AppState>,
    Path(which): Path<String>,
) -> Result<Response, Failure> {
    let it = syncs::get(&state.app, &ctx, &which).await?;
    Ok(show(&form(&state, &ctx, Filled::of(&it), Some(&it), Vec::new()).await?))
}

pub(in crate::web) async fn change(
    SignedIn(ctx): SignedIn,
    State(state): State<AppState>,
    Path(which): Path<String>,
    Form(sent): Sent,
) -> Result<Response, Failure> {
    let it = syncs::get(&state.app, &ctx, &which).await?;
    let mut filled = Filled::sent(sent);
    filled.connection.clone_from(&it.connection_slug);
    let changed = match filled.wanted() {
        Ok(input) => syncs::change(&state.app, &ctx, &it.id, input).await,
        Err(wrong) => Err(Error::Invalid(vec![wrong])),
    };
    match changed {
        Ok(it) => Ok(go(&format!("/syncs/{}?done=saved", it.id))),
        Err(Error::Invalid(errors)) => {
            let page = form(&state, &ctx, filled, Some(&it), errors).await?;
            Ok(show_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
        Err(error) => Err(error.into()),
    }
}
