//! What waits to be written.

use std::{collections::BTreeMap, mem, sync::Arc};

use keyhaven_store::{BudgetRow, MinuteRow, NewCall, UsageCounts};

use super::{Call, HOUR, Told};
use crate::{Ctx, ctx::Millis};

/// Connection, minute, token: the order of the table.
type Key = (Arc<str>, Millis, Arc<str>);

/// Counters that are held while the database is away; beyond, minutes are put together to hours.
const HELD_COUNTERS: usize = 50_000;
const HELD_CALLS: usize = 5_000;

/// Counters and calls that are not yet in the database.
#[derive(Default)]
pub(super) struct Batch {
    pub minutes: BTreeMap<Key, UsageCounts>,
    pub calls: Vec<Call>,
    /// What apps told of their budgets, by connection.
    pub told: BTreeMap<String, Told>,
    /// Calls that were not even counted.
    pub lost: u64,
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.minutes.is_empty() && self.calls.is_empty() && self.told.is_empty()
    }

    pub(super) fn count(&mut self, key: Key, counts: &UsageCounts) {
        self.minutes.entry(key).or_default().add(counts);
    }

    pub(super) fn add(&mut self, newer: Self) {
        for (key, counts) in newer.minutes {
            self.count(key, &counts);
        }
        self.calls.extend(newer.calls);
        self.told.extend(newer.told);
        self.lost += newer.lost;
    }

    /// Holds no more than there is room for: first the minutes of counters are blurred, last they are lost.
    pub(super) fn shrink(&mut self) {
        let surplus = self.calls.len().saturating_sub(HELD_CALLS);
        self.calls.drain(..surplus);
        if self.minutes.len() <= HELD_COUNTERS {
            return;
        }
        for ((connection, minute, token), counts) in mem::take(&mut self.minutes) {
            self.count((connection, minute - minute.rem_euclid(HOUR), token), &counts);
        }
        while self.minutes.len() > HELD_COUNTERS
            && let Some((_, counts)) = self.minutes.pop_first()
        {
            self.lost += counts.calls as u64;
        }
    }

    /// The rows to write.
    pub(super) fn rows(&self, ctx: &Ctx) -> (Vec<MinuteRow>, Vec<NewCall>, Vec<BudgetRow>) {
        let minute = |((connection, minute, token), counts): (&Key, &UsageCounts)| MinuteRow {
            connection: connection.to_string(),
            minute: *minute,
            token: token.to_string(),
            counts: *counts,
        };
        let call = |call: &Call| NewCall {
            connection: call.connection.to_string(),
            at: call.at,
            id: ctx.new_id("ca"),
            token: call.token.to_string(),
            method: call.method.to_string(),
            // PostgreSQL takes no NUL in a text, and a page no line break in a path.
            path: call.path.chars().filter(|c| !c.is_control()).collect(),
            status: call.status.into(),
            ms: call.ms.into(),
            waited_ms: call.waited_ms.into(),
            source: call.source.as_str(),
        };
        (
            self.minutes.iter().map(minute).collect(),
            self.calls.iter().map(call).collect(),
            self.told.iter().map(|(connection, told)| told.row(connection)).collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usage::MINUTE;

    #[test]
    fn a_long_outage_blurs_minutes_and_loses_no_count() {
        let mut batch = Batch::default();
        let one = UsageCounts { calls: 1, latencies: [1; 11], ..UsageCounts::default() };
        for n in 0..60_000 {
            batch.count(("cn_1".into(), n * MINUTE, "tk_1".into()), &one);
        }
        batch.shrink();
        assert_eq!((batch.minutes.len(), batch.lost), (1000, 0));
        assert!(batch.minutes.values().all(|counts| counts.calls == 60 && counts.latencies == [60; 11]));
        for n in 0..60_000 {
            batch.count(("cn_1".into(), 0, format!("tk_{n}").into()), &one);
        }
        batch.shrink();
        let kept: i64 = batch.minutes.values().map(|counts| counts.calls).sum();
        assert_eq!((batch.minutes.len(), kept + batch.lost as i64), (HELD_COUNTERS, 120_000));
    }
}
