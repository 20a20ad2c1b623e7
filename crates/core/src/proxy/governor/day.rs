//! The day's budget of an app, and who used what of it.

use std::time::Duration;

use super::{Call, Held};
use crate::{Map, ctx::Millis};

pub(super) const DAY: Millis = 24 * 60 * 60 * 1000;

/// The daily budget.
#[derive(Default)]
pub(super) struct Day {
    number: i64,
    by_caller: Map<String, u64>,
    pub limit: u64,
    /// Until when nothing goes out, since the app said that too much did.
    pub stopped_until: Millis,
}

impl Day {
    pub(super) fn new(limit: u64) -> Self {
        Self { limit, ..Self::default() }
    }

    /// Takes the cost of a call, if it is there.
    pub(super) fn spend(&mut self, call: &Call<'_>, now: Millis) -> Result<(), Held> {
        self.begin(now);
        if self.stopped_until > now {
            return Err(Held::Exhausted(Duration::from_millis((self.stopped_until - now) as u64)));
        }
        let cost = u64::from(call.cost);
        let used = match self.by_caller.get_mut(call.caller) {
            Some(used) => used,
            None => self.by_caller.entry(call.caller.into()).or_default(),
        };
        if let Some(share) = call.share
            && self.limit > 0
            && *used + cost > (u128::from(self.limit) * u128::from(share) / 100) as u64
        {
            let until_midnight = Duration::from_millis((DAY - now.rem_euclid(DAY)) as u64);
            return Err(Held::Share(until_midnight));
        }
        *used += cost;
        Ok(())
    }

    pub(super) fn give_back(&mut self, call: &Call<'_>) {
        if let Some(used) = self.by_caller.get_mut(call.caller) {
            *used = used.saturating_sub(u64::from(call.cost));
        }
    }

    /// What was spent today before this process began; nothing that it knows itself becomes less.
    pub(super) fn remember(&mut self, now: Millis, spent: impl Iterator<Item = (String, i64)>) {
        self.begin(now);
        for (caller, cost) in spent {
            let used = self.by_caller.entry(caller).or_default();
            *used = (*used).max(u64::try_from(cost).unwrap_or(0));
        }
    }

    /// A new day begins with nothing spent.
    fn begin(&mut self, now: Millis) {
        let number = now.div_euclid(DAY);
        // What came just before midnight may be counted after it.
        if self.number != number && self.number != number + 1 {
            *self = Self { number, limit: self.limit, stopped_until: self.stopped_until, ..Self::default() };
        }
    }
}
