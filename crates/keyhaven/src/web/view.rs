//! A connection as the pages show it.

use jiff::Timestamp;
use keyhaven_core::{Connection, Ctx, Millis, Status};

use crate::server::AppState;

/// A point in time: for machines, and in words that the page's script keeps fresh.
#[derive(Clone, Debug)]
pub(super) struct Time {
    pub iso: String,
    pub ago: String,
}

impl Time {
    pub(super) fn new(at: Millis, now: Millis) -> Self {
        let iso = Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH).to_string();
        Self { iso, ago: in_words((now - at) / 1000) }
    }

    /// `2026-11-24`.
    pub(super) fn day(&self) -> &str {
        &self.iso[..10]
    }
}

fn in_words(seconds: i64) -> String {
    let (size, past) = (seconds.unsigned_abs(), seconds >= 0);
    let (count, unit) = match size {
        0..60 => return if past { "just now".into() } else { "in a moment".into() },
        60..3600 => (size / 60, "minute"),
        3600..86_400 => (size / 3600, "hour"),
        _ => (size / 86_400, "day"),
    };
    let s = if count == 1 { "" } else { "s" };
    if past { format!("{count} {unit}{s} ago") } else { format!("in {count} {unit}{s}") }
}

/// One connection.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub slug: String,
    pub name: String,
    pub app: String,
    pub icon: String,
    pub account: String,
    pub admin: Option<bool>,
    pub status: &'static str,
    pub status_word: &'static str,
    pub title: String,
    pub message: String,
    pub remedy: String,
    pub suggestion: Option<String>,
    pub could_not_recheck: Option<String>,
    pub recheck: Option<String>,
    pub recheck_at: Option<Time>,
    pub verified_at: Option<Time>,
    pub next_check_at: Option<Time>,
    pub created_at: Time,
    pub deleted_at: Option<Time>,
    pub purge_at: Option<Time>,
}

impl Row {
    pub(super) fn new(state: &AppState, ctx: &Ctx, it: &Connection) -> Self {
        let time = |at: Option<Millis>| at.map(|at| Time::new(at, ctx.now()));
        let icon = state.app.catalogue().get(&it.connector).map_or_else(
            || super::assets::ICON.to_owned(),
            |connector| format!("/assets/connectors/{}/{}", connector.id, connector.icon),
        );
        let recheck = it.could_not_recheck.as_ref();
        Self {
            slug: it.slug.clone(),
            name: it.name.clone(),
            app: it.app.clone(),
            icon,
            account: it.account.as_ref().map(|account| account.line()).unwrap_or_default(),
            admin: it.account.as_ref().and_then(|account| account.admin),
            status: it.status.as_str(),
            status_word: word(it.status),
            title: it.outcome.words.title.clone(),
            message: it.outcome.words.message.clone(),
            remedy: it.outcome.words.remedy.clone(),
            suggestion: it.outcome.suggestion.as_ref().map(|suggestion| suggestion.value.clone()),
            could_not_recheck: recheck.map(|outcome| outcome.words.title.clone()),
            recheck: recheck.map(|outcome| format!("{} {}", outcome.words.message, outcome.words.remedy)),
            recheck_at: time(recheck.and_then(|outcome| outcome.at)),
            verified_at: time(it.verified_at),
            next_check_at: time(it.next_check_at),
            created_at: Time::new(it.created_at, ctx.now()),
            deleted_at: time(it.deleted_at),
            purge_at: time(it.purge_at),
        }
    }

    pub(super) fn is_deleted(&self) -> bool {
        self.deleted_at.is_some()
    }
}

/// The status as a word, for whoever does not see the picture.
pub(super) fn word(status: Status) -> &'static str {
    match status {
        Status::Valid => "Verified",
        Status::Invalid => "Needs attention",
        Status::Unverified => "Not verified",
    }
}
