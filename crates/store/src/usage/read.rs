//! Usage as the pages show it: by time, by token, call by call.

use sqlx::{Row, any::AnyRow, query, query_as, query_scalar};

use super::{Before, BudgetRow, CallRow, Stop, TokenUsage, UsageCounts};
use crate::{Reader, StoreError, sql::declare};

/// Sums over minutes, in the order in which [`counts`] reads them.
macro_rules! sums {
    () => {
        "CAST(sum(calls) AS BIGINT), CAST(sum(errors) AS BIGINT), CAST(sum(refused) AS BIGINT), CAST(sum(cost) AS BIGINT),
        CAST(sum(ms_5) AS BIGINT), CAST(sum(ms_10) AS BIGINT), CAST(sum(ms_20) AS BIGINT),
        CAST(sum(ms_50) AS BIGINT), CAST(sum(ms_100) AS BIGINT), CAST(sum(ms_200) AS BIGINT), CAST(sum(ms_500) AS BIGINT),
        CAST(sum(ms_1000) AS BIGINT), CAST(sum(ms_2000) AS BIGINT), CAST(sum(ms_5000) AS BIGINT), CAST(sum(ms_more) AS BIGINT)"
    };
}

declare! {
    BY_TIME = concat!("SELECT (minute - $3) / $4 AS bucket, ", sums!(), " FROM usage_minutes
        WHERE workspace = $1 AND connection = $2 AND minute >= $3 GROUP BY bucket ORDER BY bucket");
    BY_TOKEN = concat!("SELECT token, ", sums!(), " FROM usage_minutes WHERE workspace = $1 AND connection = $2 AND minute >= $3
        GROUP BY token ORDER BY sum(cost) DESC, sum(calls) DESC, token LIMIT $4");
    COST = "SELECT CAST(COALESCE(sum(cost), 0) AS BIGINT) FROM usage_minutes WHERE workspace = $1 AND connection = $2 AND minute >= $3";
    PASSED = "SELECT CAST(COALESCE(sum(calls - refused), 0) AS BIGINT) FROM usage_minutes WHERE workspace = $1
        AND connection IN (SELECT id FROM connections WHERE workspace = $1) AND minute >= $3 AND token = $2";
    TOLD = "SELECT connection, per_day, remaining, told_at FROM told_budgets WHERE workspace = $1 AND connection = $2";
    STOP = "SELECT until, told_at FROM stops WHERE workspace = $1 AND connection = $2";
    TOKEN_NAME = "SELECT name FROM access_tokens WHERE workspace = $1 AND id = $2
        UNION ALL SELECT name FROM syncs WHERE workspace = $1 AND 'sync:' || id = $2";
    CALLS = "SELECT calls.id, at, token, COALESCE(access_tokens.name, syncs.name), method, path, status, ms, source, waited_ms FROM calls
        LEFT JOIN access_tokens ON access_tokens.workspace = calls.workspace AND access_tokens.id = token
        LEFT JOIN syncs ON syncs.workspace = calls.workspace AND 'sync:' || syncs.id = token
        WHERE calls.workspace = $1 AND calls.connection = $2 AND (at, calls.id) < ($3, $4) ORDER BY at DESC, calls.id DESC LIMIT $5";
}

/// The sums from this column on.
fn counts(row: &AnyRow, first: usize) -> Result<UsageCounts, sqlx::Error> {
    let mut counts = UsageCounts {
        calls: row.try_get(first)?,
        errors: row.try_get(first + 1)?,
        refused: row.try_get(first + 2)?,
        cost: row.try_get(first + 3)?,
        latencies: Default::default(),
    };
    for (column, slot) in (first + 4..).zip(&mut counts.latencies) {
        *slot = row.try_get(column)?;
    }
    Ok(counts)
}

impl Reader<'_> {
    /// Counts since `first` in steps of `length` milliseconds: number of the step, and what it comes to. Empty
    /// steps are left out.
    pub async fn usage_by_time(
        &self,
        connection: &str,
        first: i64,
        length: i64,
    ) -> Result<Vec<(i64, UsageCounts)>, StoreError> {
        let query = query(BY_TIME).bind(&self.scope.workspace).bind(connection).bind(first).bind(length);
        let rows = query.fetch_all(self.pool).await?;
        Ok(rows
            .iter()
            .map(|row| Ok((row.try_get(0)?, counts(row, 1)?)))
            .collect::<Result<_, sqlx::Error>>()?)
    }

    /// Counts since `first` by token, the most costly first, and at most `limit` of them.
    pub async fn usage_by_token(
        &self,
        connection: &str,
        first: i64,
        limit: i64,
    ) -> Result<Vec<TokenUsage>, StoreError> {
        let query = query(BY_TOKEN).bind(&self.scope.workspace).bind(connection).bind(first).bind(limit);
        let mut all = Vec::new();
        for row in query.fetch_all(self.pool).await? {
            let token: String = row.try_get(0)?;
            let name = query_scalar(TOKEN_NAME).bind(&self.scope.workspace).bind(&token);
            all.push(TokenUsage {
                name: name.fetch_optional(self.pool).await?,
                counts: counts(&row, 1)?,
                token,
            });
        }
        Ok(all)
    }

    /// What all calls since `first` cost.
    pub async fn usage_cost(&self, connection: &str, first: i64) -> Result<i64, StoreError> {
        let query = query_scalar(COST).bind(&self.scope.workspace).bind(connection).bind(first);
        Ok(query.fetch_one(self.pool).await?)
    }

    /// What the app last told of its daily budget.
    pub async fn told_budget(&self, connection: &str) -> Result<Option<BudgetRow>, StoreError> {
        type Tuple = (String, i64, i64, i64);
        let query = query_as(TOLD).bind(&self.scope.workspace).bind(connection);
        let row: Option<Tuple> = query.fetch_optional(self.pool).await?;
        let budget =
            |(connection, per_day, remaining, told_at)| BudgetRow { connection, per_day, remaining, told_at };
        Ok(row.map(budget))
    }

    /// The last call that was one too many for its day, unless it was found since that calls are taken.
    pub async fn stop(&self, connection: &str) -> Result<Option<Stop>, StoreError> {
        let query = query_as(STOP).bind(&self.scope.workspace).bind(connection);
        let row: Option<(i64, i64)> = query.fetch_optional(self.pool).await?;
        Ok(row.map(|(until, told_at)| Stop { until, told_at }))
    }

    /// Calls of this token since `first`, whichever connection they used, without those that were refused here.
    pub async fn passed(&self, token: &str, first: i64) -> Result<i64, StoreError> {
        let query = query_scalar(PASSED).bind(&self.scope.workspace).bind(token).bind(first);
        Ok(query.fetch_one(self.pool).await?)
    }

    /// Calls before this one, newest first.
    pub async fn calls(
        &self,
        connection: &str,
        before: &Before,
        limit: i64,
    ) -> Result<Vec<CallRow>, StoreError> {
        type Tuple = (String, i64, String, Option<String>, String, String, i64, i64, String, i64);
        let query = query_as(CALLS).bind(&self.scope.workspace).bind(connection);
        let rows: Vec<Tuple> =
            query.bind(before.at).bind(&before.id).bind(limit).fetch_all(self.pool).await?;
        let call = |(id, at, token, token_name, method, path, status, ms, source, waited_ms)| CallRow {
            id,
            at,
            token,
            token_name,
            method,
            path,
            status,
            ms,
            waited_ms,
            source,
        };
        Ok(rows.into_iter().map(call).collect())
    }
}
