//! The hot path's end of it: a lock that is held for a few additions, and nothing that waits.

use std::{
    hash::BuildHasher,
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use keyhaven_store::UsageCounts;

use super::{Call, MINUTE, Source, batch::Batch};
use crate::{Map, ctx::Millis};

/// Calls of one connection that are remembered one by one between two batches. Beyond, only the counters go on.
const CALLS_OF_ONE: u32 = 200;
/// Bounds of each shard, whatever happens.
const CALLS: usize = 250;
const COUNTERS: usize = 4096;
const SHARDS: usize = 16;
/// Longer paths are cut.
const MAX_PATH: usize = 1024;
/// The upper bounds of all but the last count of latencies, in milliseconds.
pub(super) const BOUNDS: [u32; 10] = [5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000];

/// Takes in what happens on many threads; the writer fetches it each second.
#[derive(Default)]
pub struct Recorder {
    shards: [Mutex<Shard>; SHARDS],
    hasher: foldhash::fast::RandomState,
}

#[derive(Default)]
struct Shard {
    connections: Map<Arc<str>, Tally>,
    calls: Vec<Call>,
    counters: usize,
    lost: u64,
}

#[derive(Default)]
struct Tally {
    /// By token: one minute, or the two around its turn.
    tokens: Map<Arc<str>, Vec<(Millis, UsageCounts)>>,
    kept: u32,
}

impl Recorder {
    /// Records one call. Takes a fraction of a microsecond, and never waits for the database.
    pub fn record(&self, call: impl Into<Box<Call>>) {
        let call = call.into();
        let at = self.hasher.hash_one(&call.connection) as usize % SHARDS;
        let surplus = self.shards[at].lock().unwrap_or_else(PoisonError::into_inner).add(call);
        // Its memory is given back while nobody waits.
        drop(surplus);
    }

    /// Everything since the last time.
    pub(super) fn take(&self) -> Batch {
        let mut batch = Batch::default();
        for shard in &self.shards {
            let shard = mem::take(&mut *shard.lock().unwrap_or_else(PoisonError::into_inner));
            batch.lost += shard.lost;
            batch.calls.extend(shard.calls);
            for (connection, tally) in shard.connections {
                for (token, minutes) in tally.tokens {
                    for (minute, counts) in minutes {
                        batch.count((connection.clone(), minute, token.clone()), &counts);
                    }
                }
            }
        }
        batch
    }
}

impl Shard {
    /// Counts a call, and keeps it or gives it back.
    fn add(&mut self, mut call: Box<Call>) -> Option<Box<Call>> {
        if self.counters >= COUNTERS {
            self.lost += 1;
            return Some(call);
        }
        let tally = slot(&mut self.connections, &call.connection);
        let minutes = slot(&mut tally.tokens, &call.token);
        let minute = call.at - call.at.rem_euclid(MINUTE);
        let known = minutes.iter().position(|(of, _)| *of == minute).unwrap_or_else(|| {
            self.counters += 1;
            minutes.push((minute, UsageCounts::default()));
            minutes.len() - 1
        });
        count(&mut minutes[known].1, &call);
        if tally.kept >= CALLS_OF_ONE || self.calls.len() >= CALLS {
            return Some(call);
        }
        tally.kept += 1;
        call.path.truncate(call.path.floor_char_boundary(MAX_PATH));
        self.calls.push(*call);
        None
    }
}

/// The value of a key.
fn slot<'a, T: Default>(map: &'a mut Map<Arc<str>, T>, key: &Arc<str>) -> &'a mut T {
    map.entry(key.clone()).or_default()
}

fn count(counts: &mut UsageCounts, call: &Call) {
    counts.calls += 1;
    counts.cost += i64::from(call.cost);
    match (call.source, call.status) {
        (Source::App, 400..) | (Source::Keyhaven, 500..) => counts.errors += 1,
        (Source::Keyhaven, 400..) => counts.refused += 1,
        _ => {}
    }
    // How long a refusal takes says nothing about the app.
    if call.source == Source::App {
        counts.latencies[BOUNDS.partition_point(|bound| call.ms > *bound)] += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(connection: &str, status: u16, ms: u32, source: Source) -> Call {
        Call {
            connection: connection.into(),
            token: "tk_1".into(),
            at: 3 * MINUTE + 1,
            method: http::Method::GET,
            path: "ä".repeat(MAX_PATH),
            status,
            ms,
            waited_ms: 0,
            cost: 2,
            source,
        }
    }

    #[test]
    fn calls_are_counted_by_minute_and_answer() {
        let recorder = Recorder::default();
        for (status, ms, source) in [
            (200, 5, Source::App),
            (404, 51, Source::App),
            (500, 9000, Source::App),
            (429, 0, Source::Keyhaven),
            (502, 0, Source::Keyhaven),
        ] {
            recorder.record(call("cn_1", status, ms, source));
        }
        let batch = recorder.take();
        let ((_, minute, _), counts) = batch.minutes.first_key_value().unwrap();
        assert_eq!((*minute, batch.minutes.len(), batch.calls.len()), (3 * MINUTE, 1, 5));
        assert_eq!((counts.calls, counts.errors, counts.refused, counts.cost), (5, 3, 1, 10));
        assert_eq!(counts.latencies, [1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1]);
        assert!(batch.calls[0].path.len() <= MAX_PATH);
        assert!(recorder.take().is_empty());
    }

    #[test]
    fn whatever_happens_memory_is_bounded_and_no_count_of_a_busy_connection_is_lost() {
        let recorder = Recorder::default();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..5_000).for_each(|_| recorder.record(call("cn_1", 200, 1, Source::App))));
            }
        });
        let batch = recorder.take();
        let counted: i64 = batch.minutes.values().map(|counts| counts.calls).sum();
        assert_eq!((counted, batch.calls.len()), (20_000, CALLS_OF_ONE as usize));

        for n in 0..200_000 {
            recorder.record(Call { token: format!("tk_{n}").into(), ..call("cn_1", 200, 1, Source::App) });
        }
        let batch = recorder.take();
        assert_eq!(batch.minutes.len(), COUNTERS);
        assert_eq!(batch.lost, 200_000 - COUNTERS as u64);
    }
}
