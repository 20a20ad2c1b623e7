//! What one token has used of its own quotas, and where it was seen.

use std::{
    collections::HashSet,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use super::refusal::Refusal;
use crate::{Ctx, Error, Keyhaven, ctx::Millis, policy::Policy};

const MINUTE: Millis = 60 * 1000;
const HOUR: Millis = 60 * MINUTE;
const DAY: Millis = 24 * HOUR;
/// More places than this are forgotten and noted again.
const MAX_SEEN: usize = 4096;

/// Counts of one token in this process.
#[derive(Default)]
pub(crate) struct Meter(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    minute: (i64, u32),
    day: (i64, u32),
    hour: i64,
    /// Connection and address, within the hour.
    seen: HashSet<(Arc<str>, Option<IpAddr>), foldhash::fast::RandomState>,
    touched: Millis,
}

/// What is new about a use of a token.
pub(super) enum News {
    /// The first within the hour for this connection, from there.
    Place,
    /// Its time: the last that was written is a minute old.
    Time,
}

/// Calls of a token that are written down.
pub(super) struct Used {
    at: Millis,
    minute: u32,
    day: u32,
}

impl Used {
    /// Nothing, where there is no quota to hold it against.
    pub(super) async fn read(app: &Keyhaven, ctx: &Ctx, token: &str) -> Result<Option<Self>, Error> {
        if ctx.policy.per_minute.or(ctx.policy.per_day).is_none() {
            return Ok(None);
        }
        let (at, read) = (ctx.now(), app.store.read(&ctx.scope()));
        let since = async |span: Millis| {
            let calls = read.passed(token, at - at.rem_euclid(span)).await?;
            Ok::<_, Error>(u32::try_from(calls).unwrap_or(u32::MAX))
        };
        Ok(Some(Self { at, minute: since(MINUTE).await?, day: since(DAY).await? }))
    }
}

impl Meter {
    /// Counts one call, if the quotas allow it.
    pub(super) fn spend(&self, policy: &Policy, now: Millis) -> Result<(), Refusal> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let minute = within(&mut counts.minute, now, MINUTE, policy.per_minute)
            .map_err(|wait| Refusal::quota("minute", wait))?;
        let day =
            within(&mut counts.day, now, DAY, policy.per_day).map_err(|wait| Refusal::quota("day", wait))?;
        (counts.minute, counts.day) = (minute, day);
        Ok(())
    }

    /// What was used before this process began, or by others; nothing that it knows itself becomes less.
    pub(super) fn remember(&self, used: &Used) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The later span, and within one the larger number.
        counts.minute = counts.minute.max((used.at.div_euclid(MINUTE), used.minute));
        counts.day = counts.day.max((used.at.div_euclid(DAY), used.day));
    }

    /// What is to be noted of a use, if anything is.
    pub(super) fn news(&self, connection: &Arc<str>, client: Option<IpAddr>, now: Millis) -> Option<News> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.hour != now / HOUR || counts.seen.len() >= MAX_SEEN {
            counts.hour = now / HOUR;
            counts.seen.clear();
        }
        let is_new = counts.seen.insert((connection.clone(), client));
        if !is_new && now < counts.touched + MINUTE {
            return None;
        }
        counts.touched = now;
        Some(if is_new { News::Place } else { News::Time })
    }

    /// What was noted last could not be written.
    pub(super) fn forget(&self) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.seen.clear();
        counts.touched = 0;
    }
}

/// The count with one more, or how long until the next span begins.
fn within(
    (span, count): &mut (i64, u32),
    now: Millis,
    length: Millis,
    limit: Option<u32>,
) -> Result<(i64, u32), Duration> {
    let current = now.div_euclid(length);
    // What came just before a span began may be counted in it.
    let current = if *span == current + 1 { *span } else { current };
    let used = if *span == current { *count } else { 0 };
    if limit.is_some_and(|limit| used >= limit) {
        return Err(Duration::from_millis((length - now.rem_euclid(length)) as u64));
    }
    Ok((current, used.saturating_add(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_came_before_the_minute_turned_does_not_turn_it_back() {
        let (policy, meter) = (Policy { per_minute: Some(2), ..Policy::default() }, Meter::default());
        let spend = |now| meter.spend(&policy, now).is_ok();
        assert_eq!([spend(10 * MINUTE), spend(10 * MINUTE - 1), spend(10 * MINUTE + 1)], [true, true, false]);
        assert_eq!([spend(10 * MINUTE - 1), spend(11 * MINUTE)], [false, true]);
        // A clock that was put back by more is believed.
        assert!(spend(5 * MINUTE) && spend(5 * MINUTE));
    }
}
