//! The history of a sync, as if it had run by its schedule for a day and more.

use keyhaven_store::{Before, RunCounts, RunEnd, Scope, Store};

use crate::Server;

const HOUR: i64 = 3_600_000;
/// As many as the chart shows.
const RUNS: i64 = 30;

impl Server {
    /// Fills in runs of this sync up to now, straight into the rows; stream by stream they look like the last run of
    /// another one.
    pub async fn fill_runs(&self, sync: &str, like: &str) {
        let store = Store::open(&format!("sqlite:{}", self.data().join("keyhaven.db").display())).await;
        let store = store.expect("the database");
        let mut scope = Scope { workspace: "default".into(), actor: "test".into(), now: 0 };
        let all = store.read(&scope).sync_runs(like, &Before::end(), 1).await.expect("runs");
        let last = all.first().expect("a run");
        for n in 1..=RUNS {
            let id = format!("sr_filled_{n}");
            scope.now = last.began_at - (RUNS - n) * HOUR;
            let mut tx = store.begin(&scope).await.expect("a transaction");
            tx.begin_sync_run(&id, sync, "schedule").await.expect("room");
            tx.commit().await.expect("room");
            let (counts, end) = one(n, &last.counts);
            store.note_sync_run(&id, &counts, &last.progress).await.expect("a run");
            scope.now += 4_000 + n * 700 % 9_000;
            let mut tx = store.begin(&scope).await.expect("a transaction");
            tx.end_sync_run(&id, &end).await.expect("a run");
            tx.commit().await.expect("room");
        }
        store.close().await;
    }
}

/// Busy by day and quiet by night; once the app was down.
fn one(n: i64, whole: &RunCounts) -> (RunCounts, RunEnd) {
    let end =
        |outcome: &str| RunEnd { outcome: outcome.into(), message: None, remedy: None, goes_on_at: None };
    if n == RUNS - 3 {
        let message = Some("The app does not answer as it should: it is down for maintenance.".into());
        let counts = RunCounts { requests: 6, cost: 60, rows_read: 0, rows_written: 0, rows_deleted: 0 };
        return (counts, RunEnd { message, ..end("failed") });
    }
    let busy = 12 - (n % 24 - 12).abs();
    let counts = RunCounts {
        requests: 28 + n % 3,
        cost: 400 + n % 3 * 10,
        rows_read: whole.rows_read + n * 7,
        rows_written: busy * busy * 2 + n * 31 % 17,
        rows_deleted: if n % 4 == 0 { busy + 3 } else { 0 },
    };
    (counts, end("done"))
}
