//! Figures of a week for a connection, as if programs had called through it.

use keyhaven_store::{BudgetRow, MinuteRow, NewCall, Scope, Store, UsageCounts};

use crate::Server;

const MINUTE: i64 = 60_000;
const STEP: i64 = 10 * MINUTE;
const WEEK: i64 = 7 * 24 * 60 * MINUTE;
const RECENT: i64 = 40;
const DAY: i64 = 24 * 60 * MINUTE;
/// What the app tells of its budget: the whole, and what was used of it past Keyhaven.
const PER_DAY: i64 = 420_000;
const ELSEWHERE: i64 = 9_000;

impl Server {
    /// Fills in a week for this connection, up to when it was saved, straight into the rows; the same each time.
    pub async fn fill_usage(&self, slug: &str) {
        let store = Store::open(&format!("sqlite:{}", self.data().join("keyhaven.db").display())).await;
        let store = store.expect("the database");
        let scope = Scope { workspace: "default".into(), actor: "test".into(), now: 0 };
        let row = store.read(&scope).connection(slug).await.expect("a row").expect("a connection");
        let tokens = store.read(&scope).access_tokens().await.expect("tokens");
        let mut callers: Vec<String> = tokens.into_iter().map(|token| token.id).collect();
        callers.push("command-line".into());
        let now = row.created_at - row.created_at.rem_euclid(MINUTE);
        let steps = 0..WEEK / STEP;
        let minutes: Vec<MinuteRow> = steps
            .flat_map(|n| callers.iter().zip(1..).map(move |(caller, size)| (n, caller, size)))
            .map(|(n, caller, size)| MinuteRow {
                connection: row.id.clone(),
                minute: now - n * STEP,
                token: caller.clone(),
                counts: counts(n, size),
            })
            .collect();
        let today = minutes.iter().filter(|it| it.minute >= now - now.rem_euclid(DAY));
        let used: i64 = today.map(|it| it.counts.cost).sum();
        let told = BudgetRow {
            connection: row.id.clone(),
            per_day: PER_DAY,
            remaining: PER_DAY - used - ELSEWHERE,
            told_at: row.created_at,
        };
        let call = |n: i64| NewCall {
            connection: row.id.clone(),
            at: row.created_at - n * 47_000,
            id: format!("ca_{n}"),
            token: callers[n as usize % callers.len()].clone(),
            method: ["GET", "GET", "GET", "POST"][n as usize % 4].into(),
            path: ["/api/v2/deals", "/api/v2/persons", "/v1/organizations/731/flow"][n as usize % 3].into(),
            status: [200, 200, 200, 200, 200, 404, 429][n as usize % 7],
            ms: 40 + n * 37 % 400,
            waited_ms: if n % 9 == 4 { 1_270 } else { 0 },
            source: if n % 7 == 6 { "keyhaven" } else { "app" },
        };
        store.add_usage(&minutes, &(0..RECENT).map(call).collect::<Vec<_>>(), &[told]).await.expect("room");
        store.close().await;
    }
}

/// Busy by day and quiet by night, with an hour of trouble on the third evening.
fn counts(n: i64, size: i64) -> UsageCounts {
    let of_day = n % 144;
    let busy = (72 - (of_day - 72).abs()) * 2 / size + n * 31 % 17;
    let trouble = (430..436).contains(&n) || n == 20;
    let errors = if trouble { busy / 3 } else { i64::from(n % 29 == 0) };
    let slow = if trouble { busy / 2 } else { busy / 40 };
    UsageCounts {
        calls: busy,
        errors,
        refused: i64::from(n % 53 == 0) * 6,
        cost: busy * 12,
        latencies: [0, 0, 0, busy / 3, busy / 3, busy / 6, busy / 12, slow, slow / 3, 0, 0],
    }
}
