//! A connection as the pages show it.

use jiff::{Timestamp, tz::TimeZone};
use keyhaven_core::{Connection, Ctx, Millis, Outcome, Status};

use crate::server::AppState;

/// A point in time: for machines, and in words that the page's script keeps fresh.
#[derive(Clone, Debug, Default)]
pub(super) struct Time {
    pub iso: String,
    /// `3 min ago`, `in 6 h`.
    pub ago: String,
    /// The same for what is to come: late is `in a moment`.
    pub ahead: String,
    /// `24 November 2026`.
    pub day: String,
    /// `24 Nov 2026, 15:38 UTC`.
    pub exact: String,
    /// `Tue 24 Nov, 15:38`, where the time zone is told beside it.
    pub short: String,
}

impl Time {
    pub(super) fn new(at: Millis, now: Millis) -> Self {
        Self::in_zone(at, now, "UTC")
    }

    /// The same as clocks show it in this time zone.
    pub(super) fn in_zone(at: Millis, now: Millis, zone: &str) -> Self {
        let time = Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH);
        let iso = time.to_string();
        // A machine may know no time zones.
        let time = time.in_tz(zone).unwrap_or_else(|_| time.to_zoned_datetime(TimeZone::UTC));
        Self {
            iso,
            ago: in_words((now - at) / 1000),
            ahead: in_words(((now - at) / 1000).min(-1)),
            day: time.strftime("%-d %B %Y").to_string(),
            exact: time.strftime("%-d %b %Y, %H:%M %Z").to_string(),
            short: time.strftime("%a %-d %b, %H:%M").to_string(),
        }
    }
}

/// The page's script says it in the same words. What is past is told in whole units, what is to come in the nearest.
fn in_words(seconds: i64) -> String {
    let (size, past) = (seconds.unsigned_abs(), seconds >= 0);
    let units = |unit: u64| (size + if past { 0 } else { unit / 2 }) / unit;
    let span = match (units(60), units(3600), units(86_400)) {
        _ if size < 60 => return if past { "just now".into() } else { "in a moment".into() },
        (minutes @ ..60, ..) => format!("{minutes} min"),
        (_, hours @ ..24, _) => format!("{hours} h"),
        (.., 1) => "1 day".into(),
        (.., days) => format!("{days} days"),
    };
    if past { format!("{span} ago") } else { format!("in {span}") }
}

/// One connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    pub slug: String,
    pub name: String,
    pub app: String,
    pub icon: String,
    /// `Ada · Acme Ltd`; empty where it is not known.
    pub account: String,
    pub email: String,
    pub admin: bool,
    pub status: &'static str,
    pub status_word: &'static str,
    pub title: String,
    pub message: String,
    pub remedy: String,
    pub suggestion: Option<String>,
    pub recheck: Option<Recheck>,
    /// Since when it does not work, if it does not.
    pub failing_since: Option<Time>,
    /// When the outcome that is shown was found.
    pub checked_at: Option<Time>,
    pub next_check_at: Option<Time>,
    pub created_at: Time,
    pub updated_at: Time,
    pub revision: i64,
    pub deleted_at: Option<Time>,
    pub purge_at: Option<Time>,
}

/// A later check that could not settle anything.
#[derive(Clone, Debug, Default)]
pub(super) struct Recheck {
    pub title: String,
    pub words: String,
    pub at: Time,
}

impl Row {
    pub(super) fn new(state: &AppState, ctx: &Ctx, it: &Connection) -> Self {
        let icon = state.app.catalogue().get(&it.connector).map_or_else(
            || super::assets::ICON.to_owned(),
            |connector| super::assets::picture(&connector.id, &connector.icon),
        );
        Self { icon, ..Self::of(it, ctx.now()) }
    }

    fn of(it: &Connection, now: Millis) -> Self {
        let time = |at: Option<Millis>| at.map(|at| Time::new(at, now));
        let account = it.account.clone().unwrap_or_default();
        let recheck = |outcome: &Outcome| Recheck {
            title: outcome.words.title.clone(),
            words: format!("{} {}", outcome.words.message, outcome.words.remedy),
            at: Time::new(outcome.at.unwrap_or(now), now),
        };
        Self {
            slug: it.slug.clone(),
            name: it.name.clone(),
            app: it.app.clone(),
            icon: String::new(),
            account: account.line(),
            email: account.email.unwrap_or_default(),
            admin: account.admin == Some(true),
            status: it.status.as_str(),
            status_word: word(it.status),
            title: it.outcome.words.title.clone(),
            message: it.outcome.words.message.clone(),
            remedy: it.outcome.words.remedy.clone(),
            suggestion: it.outcome.suggestion.as_ref().map(|suggestion| suggestion.value.clone()),
            recheck: it.could_not_recheck.as_ref().map(recheck),
            failing_since: time(it.failing_since),
            checked_at: time(it.outcome.at),
            next_check_at: time(it.next_check_at),
            created_at: Time::new(it.created_at, now),
            updated_at: Time::new(it.updated_at, now),
            revision: it.revision,
            deleted_at: time(it.deleted_at),
            purge_at: time(it.purge_at),
        }
    }

    /// Only an app's answer verifies; anything else was merely checked.
    pub(super) fn checked_word(&self) -> &'static str {
        if self.status == "valid" { "verified" } else { "checked" }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_shortly() {
        let table = [
            (0, "just now"),
            (59, "just now"),
            (-5, "in a moment"),
            (60, "1 min ago"),
            (-21_600, "in 6 h"),
            (86_400, "1 day ago"),
            (2 * 86_400 - 1, "1 day ago"),
            (-10 * 86_400, "in 10 days"),
            (-30 * 86_400 + 1, "in 30 days"),
            (-86_400 - 40_000, "in 1 day"),
            (-86_399, "in 1 day"),
            (-3_599, "in 1 h"),
            (-61, "in 1 min"),
        ];
        for (seconds, want) in table {
            assert_eq!(in_words(seconds), want);
        }
    }

    #[test]
    fn times_have_a_form_for_machines_and_two_for_people() {
        let time = Time::new(1_795_534_680_000, 1_795_534_680_000);
        assert_eq!((time.iso.as_str(), time.day.as_str()), ("2026-11-24T15:38:00Z", "24 November 2026"));
        assert_eq!(time.exact, "24 Nov 2026, 15:38 UTC");
        let berlin = Time::in_zone(1_795_534_680_000, 1_795_534_680_000, "Europe/Berlin");
        assert_eq!(berlin.iso, time.iso);
        let told = (berlin.exact.as_str(), berlin.short.as_str());
        let unknown = ("24 Nov 2026, 15:38 UTC", "Tue 24 Nov, 15:38");
        assert!(told == ("24 Nov 2026, 16:38 CET", "Tue 24 Nov, 16:38") || told == unknown, "{told:?}");
    }
}
