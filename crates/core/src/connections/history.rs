//! The last 90 days, as status pages show them.

use std::collections::BTreeMap;

use keyhaven_connectors::{Connector, Reason, Status, Verdict};
use keyhaven_store::VerificationRow;

use super::row;
use crate::{Ctx, Error, Keyhaven, ctx::Millis};

/// Days that are kept and shown.
pub const DAYS: i64 = 90;
const DAY: Millis = 24 * 60 * 60 * 1000;
pub(crate) const LIVES: Millis = DAYS * DAY;

/// One day of verifications.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Day {
    /// Midnight UTC at which it begins.
    pub start: Millis,
    /// Verifications that found ✓.
    pub valid: i64,
    /// Verifications that found `invalid`.
    pub invalid: i64,
    /// Verifications that could not tell.
    pub unverified: i64,
}

impl Day {
    /// The worst that was found on that day; `None` where nothing was asked.
    pub fn worst(&self) -> Option<Status> {
        match self {
            Self { invalid: 1.., .. } => Some(Status::Invalid),
            Self { unverified: 1.., .. } => Some(Status::Unverified),
            Self { valid: 1.., .. } => Some(Status::Valid),
            _ => None,
        }
    }
}

/// One verification of the past.
#[derive(Clone, Debug)]
pub struct Check {
    /// When.
    pub at: Millis,
    /// The machine word of what was found.
    pub reason: String,
    /// A finer machine word.
    pub detail: Option<String>,
    /// ✓ or !, had it settled the status.
    pub status: Status,
    /// The same in some words.
    pub title: String,
    /// How long it took, in milliseconds.
    pub ms: i64,
    /// What made Keyhaven ask: `save`, `asked`, `background`, `refused` or `answered`.
    pub trigger: String,
}

/// The most recent verifications, newest first.
pub async fn recent(app: &Keyhaven, ctx: &Ctx, which: &str, limit: i64) -> Result<Vec<Check>, Error> {
    let of = row(app, ctx, which).await?;
    let rows = app.store.read(&ctx.scope()).recent_verifications(&of.id, limit).await?;
    let connector = app.catalogue.get(&of.connector);
    let check = |row: VerificationRow| Check {
        at: row.at,
        status: Status::parse(&row.status).unwrap_or(Status::Unverified),
        title: connector.map_or_else(|| row.reason.clone(), |connector| title(connector, &row)),
        reason: row.reason,
        detail: row.detail,
        ms: row.ms,
        trigger: row.trigger,
    };
    Ok(rows.into_iter().map(check).collect())
}

fn title(connector: &Connector, row: &VerificationRow) -> String {
    let reason = Reason::parse(&row.reason).unwrap_or(Reason::NotUnderstood);
    let verdict = Verdict { detail: row.detail.clone(), ..Verdict::new(reason) };
    connector.words(&verdict, &BTreeMap::new()).title
}

/// Exactly [`DAYS`] days, the oldest first, today last.
pub async fn history(app: &Keyhaven, ctx: &Ctx, which: &str) -> Result<Vec<Day>, Error> {
    let id = row(app, ctx, which).await?.id;
    let today = ctx.now() - ctx.now().rem_euclid(DAY);
    let first = today - (DAYS - 1) * DAY;
    let mut days: Vec<Day> =
        (0..DAYS).map(|n| Day { start: first + n * DAY, valid: 0, invalid: 0, unverified: 0 }).collect();
    for count in app.store.read(&ctx.scope()).history(&id, first, DAY).await? {
        let Some(day) = usize::try_from(count.bucket).ok().and_then(|n| days.get_mut(n)) else { continue };
        match Status::parse(&count.status) {
            Some(Status::Valid) => day.valid = count.count,
            Some(Status::Invalid) => day.invalid = count.count,
            _ => day.unverified += count.count,
        }
    }
    Ok(days)
}
