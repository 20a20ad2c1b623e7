//! The last 90 days, as status pages show them.

use keyhaven_connectors::Status;

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
