//! What goes over the wire. The command line prints the same with `--json`, here and from afar.

mod syncs;
mod tokens;

use std::collections::BTreeMap;

use jiff::Timestamp;
use keyhaven_core::{Account, FieldKind, Millis, Outcome, Suggestion, Use, connections};
use serde::{Deserialize, Serialize};

pub(crate) use syncs::{Sync, SyncRun, SyncRunPage};
pub(crate) use tokens::AccessToken;

/// A point in time: RFC 3339, UTC.
pub(crate) fn time(at: Millis) -> String {
    Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}

/// One connection, without its secrets.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Connection {
    pub id: String,
    pub slug: String,
    pub name: String,
    pub connector: String,
    pub app: String,
    pub fields: BTreeMap<String, String>,
    pub hosts: Vec<String>,
    pub header: Option<String>,
    pub status: String,
    #[serde(flatten)]
    pub outcome: Check,
    pub account: Option<Account>,
    pub failing_since: Option<String>,
    pub verified_at: Option<String>,
    pub last_check: Option<Check>,
    pub next_check_at: Option<String>,
    pub created_at: String,
    pub updated_at: String,
    pub revision: i64,
    pub deleted_at: Option<String>,
    pub purge_at: Option<String>,
}

/// One outcome in words.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Check {
    pub reason: Option<String>,
    pub detail: Option<String>,
    pub title: String,
    pub message: String,
    pub remedy: String,
    pub suggestion: Option<Suggestion>,
    pub retry_at: Option<String>,
    pub checked_at: Option<String>,
}

impl From<&Outcome> for Check {
    fn from(it: &Outcome) -> Self {
        Self {
            reason: it.reason.map(|reason| reason.as_str().to_owned()),
            detail: it.detail.clone(),
            title: it.words.title.clone(),
            message: it.words.message.clone(),
            remedy: it.words.remedy.clone(),
            suggestion: it.suggestion.clone(),
            retry_at: it.retry_at.map(time),
            checked_at: it.at.map(time),
        }
    }
}

impl From<keyhaven_core::Connection> for Connection {
    fn from(it: keyhaven_core::Connection) -> Self {
        let outcome = Check::from(&it.outcome);
        let latest = it.could_not_recheck.as_ref().map(Check::from);
        Self {
            last_check: latest.or_else(|| outcome.reason.is_some().then(|| outcome.clone())),
            outcome,
            id: it.id,
            slug: it.slug,
            name: it.name,
            connector: it.connector,
            app: it.app,
            fields: it.fields,
            hosts: it.hosts,
            header: it.header,
            status: it.status.as_str().into(),
            account: it.account,
            failing_since: it.failing_since.map(time),
            verified_at: it.verified_at.map(time),
            next_check_at: it.next_check_at.map(time),
            created_at: time(it.created_at),
            updated_at: time(it.updated_at),
            revision: it.revision,
            deleted_at: it.deleted_at.map(time),
            purge_at: it.purge_at.map(time),
        }
    }
}

/// A page of connections.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ConnectionPage {
    pub items: Vec<Connection>,
    pub next_cursor: Option<String>,
    pub previous_cursor: Option<String>,
}

impl From<connections::Page> for ConnectionPage {
    fn from(it: connections::Page) -> Self {
        Self {
            items: it.items.into_iter().map(Connection::from).collect(),
            next_cursor: it.next,
            previous_cursor: it.previous,
        }
    }
}

/// The last 90 days and the most recent verifications.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct History {
    pub days: Vec<Day>,
    pub recent: Vec<PastCheck>,
}

/// One day, UTC.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Day {
    pub date: String,
    pub valid: i64,
    pub invalid: i64,
    pub unverified: i64,
    pub worst: Option<String>,
}

/// One verification of the past.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PastCheck {
    pub at: String,
    pub reason: String,
    pub detail: Option<String>,
    pub milliseconds: i64,
    pub trigger: String,
}

impl History {
    pub(crate) fn new(days: &[connections::Day], recent: Vec<connections::Check>) -> Self {
        let day = |day: &connections::Day| Day {
            date: time(day.start).chars().take(10).collect(),
            valid: day.valid,
            invalid: day.invalid,
            unverified: day.unverified,
            worst: day.worst().map(|status| status.as_str().to_owned()),
        };
        let check = |check: connections::Check| PastCheck {
            at: time(check.at),
            reason: check.reason,
            detail: check.detail,
            milliseconds: check.ms,
            trigger: check.trigger,
        };
        Self { days: days.iter().map(day).collect(), recent: recent.into_iter().map(check).collect() }
    }
}

/// An app of the catalogue.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Connector {
    pub id: String,
    pub name: String,
    pub summary: String,
    pub category: String,
    pub icon_url: String,
    pub fields: Vec<Field>,
    pub guide: Vec<Step>,
    #[serde(rename = "use")]
    pub in_use: Use,
}

/// One field of its form.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Field {
    pub id: String,
    pub label: String,
    pub kind: FieldKind,
    pub help: String,
    pub example: String,
    pub suffix: Option<String>,
    pub required: bool,
    pub secret: bool,
}

/// One step of its guide; the body is Markdown.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Step {
    pub title: String,
    pub body: String,
}

impl From<&keyhaven_core::Connector> for Connector {
    fn from(it: &keyhaven_core::Connector) -> Self {
        let field = |field: &keyhaven_core::Field| Field {
            id: field.id.clone(),
            label: field.label.clone(),
            kind: field.kind,
            help: field.help.clone(),
            example: field.example.clone(),
            suffix: field.suffix.clone(),
            required: field.required,
            secret: field.is_secret(),
        };
        let step =
            |step: &keyhaven_core::GuideStep| Step { title: step.title.clone(), body: step.body.clone() };
        Self {
            id: it.id.clone(),
            name: it.name.clone(),
            summary: it.summary.clone(),
            category: it.category.clone(),
            icon_url: format!("/assets/connectors/{}/{}", it.id, it.icon),
            fields: it.fields.iter().map(field).collect(),
            guide: it.guide.steps.iter().map(step).collect(),
            in_use: it.in_use.clone(),
        }
    }
}

/// An error: RFC 9457, with what to do about it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Problem {
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    pub detail: String,
    pub code: String,
    #[serde(default)]
    pub remedy: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<WrongField>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Accounts>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// One field that cannot be accepted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct WrongField {
    pub field: String,
    pub message: String,
}

/// Whose key was given in place of whose.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Accounts {
    pub saved: Account,
    pub new: Account,
}
