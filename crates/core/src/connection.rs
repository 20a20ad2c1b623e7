//! A connection as the faces see it: everything but the secrets.

use std::collections::BTreeMap;

use keyhaven_connectors::{Account, Connector, Reason, Status, Suggestion, Verdict, Words};
use keyhaven_store::ConnectionRow;
use serde::{Deserialize, Serialize};

use crate::{Error, Keyhaven, ctx::Millis};

/// One saved credential of one app.
#[derive(Clone, Debug)]
pub struct Connection {
    /// `cn_…`; never changes.
    pub id: String,
    /// Made from the first name; stays when the connection is renamed.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// The connector's id.
    pub connector: String,
    /// The app's name.
    pub app: String,
    /// The plain fields.
    pub fields: BTreeMap<String, String>,
    /// The hosts that it opens, as host or host:port.
    pub hosts: Vec<String>,
    /// The header in which the app takes the credential.
    pub header: Option<String>,
    /// ✓ or !.
    pub status: Status,
    /// Why it has this status.
    pub outcome: Outcome,
    /// Whose key it is, learnt at the last ✓ (or from a key that works for another company).
    pub account: Option<Account>,
    /// Since when it does not work, if it does not.
    pub failing_since: Option<Millis>,
    /// When an answer of the app last settled the status.
    pub verified_at: Option<Millis>,
    /// The most recent verification, where it could not settle anything and the status stayed as it was.
    pub could_not_recheck: Option<Outcome>,
    /// When it is verified next.
    pub next_check_at: Option<Millis>,
    /// When it was saved first.
    pub created_at: Millis,
    /// When a person last changed it.
    pub updated_at: Millis,
    /// Counts the changes a person made: the ETag.
    pub revision: i64,
    /// When it was deleted, if it was.
    pub deleted_at: Option<Millis>,
    /// When its sealed values will be destroyed, if it was deleted.
    pub purge_at: Option<Millis>,
}

/// One verification's outcome in words.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The machine word. `None`: not verified yet.
    pub reason: Option<Reason>,
    /// A finer machine word.
    pub detail: Option<String>,
    /// Title, what happened, what to do.
    pub words: Words,
    /// A value that would put it right.
    pub suggestion: Option<Suggestion>,
    /// When to try again, if the app said so.
    pub retry_at: Option<Millis>,
    /// When it was found out.
    pub at: Option<Millis>,
}

/// A verdict with its time, as kept in a row.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Dated {
    pub at: Millis,
    pub verdict: Verdict,
}

impl Keyhaven {
    /// Reads a row; tells the verdicts in today's words.
    pub(crate) fn view(&self, row: ConnectionRow) -> Result<Connection, Error> {
        let connector = self.catalogue.get(&row.connector);
        let fields: BTreeMap<String, String> = serde_json::from_str(&row.fields)?;
        let settled: Option<Dated> = read(row.verdict.as_deref())?;
        let latest: Option<Dated> = read(row.last_check.as_deref())?;
        let outcome = |dated: &Dated| outcome(connector, &fields, dated);
        let could_not_recheck = match (&settled, &latest) {
            (Some(settled), Some(latest)) if latest.at > settled.at => Some(outcome(latest)),
            _ => None,
        };
        let origins = connector.map(|connector| connector.origins(&fields)).unwrap_or_default();
        Ok(Connection {
            hosts: origins.iter().map(|url| url.authority().to_owned()).collect(),
            header: connector.and_then(|it| it.credential_header(&fields)).map(|name| name.as_str().into()),
            outcome: settled.as_ref().map_or_else(not_yet, outcome),
            status: Status::parse(&row.status).unwrap_or(Status::Unverified),
            account: read(row.account.as_deref())?,
            app: connector.map_or_else(|| row.connector.clone(), |connector| connector.name.clone()),
            could_not_recheck,
            id: row.id,
            slug: row.slug,
            name: row.name,
            connector: row.connector,
            failing_since: row.failing_since,
            verified_at: row.verified_at,
            next_check_at: row.next_check_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
            revision: row.revision,
            deleted_at: row.deleted_at,
            purge_at: row.purge_at,
            fields,
        })
    }
}

pub(crate) fn read<T: for<'a> Deserialize<'a>>(text: Option<&str>) -> Result<Option<T>, Error> {
    Ok(text.map(serde_json::from_str).transpose()?)
}

fn outcome(connector: Option<&Connector>, fields: &BTreeMap<String, String>, dated: &Dated) -> Outcome {
    let verdict = &dated.verdict;
    Outcome {
        reason: Some(verdict.reason),
        detail: verdict.detail.clone(),
        words: connector.map_or_else(gone, |connector| connector.words(verdict, fields)),
        suggestion: verdict.suggestion.clone(),
        retry_at: verdict.retry_after.map(|wait| dated.at + wait.as_millis() as Millis),
        at: Some(dated.at),
    }
}

fn not_yet() -> Outcome {
    let words = Words {
        title: "Not verified yet".into(),
        message: "Keyhaven has saved this credential and has not asked the app about it yet.".into(),
        remedy: "It does so within a minute; or choose “Verify now”.".into(),
    };
    Outcome { reason: None, detail: None, words, suggestion: None, retry_at: None, at: None }
}

fn gone() -> Words {
    Words {
        title: "Connector missing".into(),
        message: "The connector of this app is not installed any more.".into(),
        remedy: "Start Keyhaven with the folder of connectors that holds it, or delete the connection."
            .into(),
    }
}
