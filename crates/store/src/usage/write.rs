//! Usage on its way to the disk, and away from it.

use sqlx::{AnyConnection, query};

use super::{BudgetRow, MinuteRow, NewCall, Stop};
use crate::{Store, StoreError, Tx, sql::declare};

declare! {
    ADD_MINUTE = "INSERT INTO usage_minutes (workspace, connection, minute, token, calls, errors, refused, cost,
            ms_5, ms_10, ms_20, ms_50, ms_100, ms_200, ms_500, ms_1000, ms_2000, ms_5000, ms_more)
        SELECT workspace, id, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18 FROM connections WHERE id = $1
        ON CONFLICT (workspace, connection, minute, token) DO UPDATE SET calls = usage_minutes.calls + excluded.calls,
            errors = usage_minutes.errors + excluded.errors, refused = usage_minutes.refused + excluded.refused,
            cost = usage_minutes.cost + excluded.cost, ms_5 = usage_minutes.ms_5 + excluded.ms_5,
            ms_10 = usage_minutes.ms_10 + excluded.ms_10, ms_20 = usage_minutes.ms_20 + excluded.ms_20,
            ms_50 = usage_minutes.ms_50 + excluded.ms_50,
            ms_100 = usage_minutes.ms_100 + excluded.ms_100, ms_200 = usage_minutes.ms_200 + excluded.ms_200,
            ms_500 = usage_minutes.ms_500 + excluded.ms_500, ms_1000 = usage_minutes.ms_1000 + excluded.ms_1000,
            ms_2000 = usage_minutes.ms_2000 + excluded.ms_2000, ms_5000 = usage_minutes.ms_5000 + excluded.ms_5000,
            ms_more = usage_minutes.ms_more + excluded.ms_more";
    ADD_CALL = "INSERT INTO calls (workspace, connection, at, id, token, method, path, status, ms, source, waited_ms)
        SELECT workspace, id, $2, $3, $4, $5, $6, $7, $8, $9, $10 FROM connections WHERE id = $1";
    TELL_BUDGET = "INSERT INTO told_budgets (connection, workspace, per_day, remaining, told_at)
        SELECT id, workspace, $2, $3, $4 FROM connections WHERE id = $1
        ON CONFLICT (connection) DO UPDATE SET per_day = excluded.per_day, remaining = excluded.remaining,
            told_at = excluded.told_at WHERE told_budgets.told_at <= excluded.told_at";
    STOP = "INSERT INTO stops (connection, workspace, until, told_at) SELECT id, workspace, $3, $4 FROM connections
        WHERE workspace = $1 AND id = $2 ON CONFLICT (connection) DO UPDATE SET until = excluded.until,
            told_at = excluded.told_at WHERE stops.told_at <= excluded.told_at";
    GO_ON = "DELETE FROM stops WHERE workspace = $1 AND connection = $2 AND told_at <= $3";
    PRUNE_CALLS = "DELETE FROM calls WHERE (workspace, connection, at, id) IN (SELECT workspace, connection, at, id FROM calls
        WHERE workspace = $1 AND connection IN (SELECT id FROM connections WHERE workspace = $1) AND at < $2 LIMIT $3)";
    PRUNE_MINUTES = "DELETE FROM usage_minutes WHERE (workspace, connection, minute, token) IN
        (SELECT workspace, connection, minute, token FROM usage_minutes
        WHERE workspace = $1 AND connection IN (SELECT id FROM connections WHERE workspace = $1) AND minute < $2 LIMIT $3)";
    DESTROY_CALLS = "DELETE FROM calls WHERE workspace = $1 AND connection = $2";
    DESTROY_MINUTES = "DELETE FROM usage_minutes WHERE workspace = $1 AND connection = $2";
    FORGET_STOP = "DELETE FROM stops WHERE workspace = $1 AND connection = $2";
    FORGET_BUDGET = "DELETE FROM told_budgets WHERE workspace = $1 AND connection = $2";
}

impl Store {
    /// Adds a batch, all or nothing. The workspace is that of the connection; what belongs to one that was destroyed
    /// meanwhile is left out, and so is what is older than what another server was told. Minutes and budgets come in the
    /// order of their keys: two servers at work do not wait for each other in a circle.
    pub async fn add_usage(
        &self,
        minutes: &[MinuteRow],
        calls: &[NewCall],
        budgets: &[BudgetRow],
    ) -> Result<(), StoreError> {
        let mut tx = self.transaction().await?;
        for MinuteRow { connection, minute, token, counts } in minutes {
            let query = query(ADD_MINUTE).bind(connection).bind(minute).bind(token);
            let query = query.bind(counts.calls).bind(counts.errors).bind(counts.refused).bind(counts.cost);
            let query = counts.latencies.iter().fold(query, |query, count| query.bind(*count));
            query.execute(&mut *tx).await?;
        }
        for call in calls {
            query(ADD_CALL)
                .bind(&call.connection)
                .bind(call.at)
                .bind(&call.id)
                .bind(&call.token)
                .bind(&call.method)
                .bind(&call.path)
                .bind(call.status)
                .bind(call.ms)
                .bind(call.source)
                .bind(call.waited_ms)
                .execute(&mut *tx)
                .await?;
        }
        for budget in budgets {
            tell_budget(&mut tx, budget).await?;
        }
        Ok(tx.commit().await?)
    }
}

impl Tx {
    /// Forgets at most `limit` calls before `calls_since` and as many minutes before `minutes_since`; `true` if there
    /// may be more.
    pub async fn prune_usage(
        &mut self,
        calls_since: i64,
        minutes_since: i64,
        limit: i64,
    ) -> Result<bool, StoreError> {
        let mut more = false;
        for (statement, since) in [(PRUNE_CALLS, calls_since), (PRUNE_MINUTES, minutes_since)] {
            let query = query(statement).bind(&self.scope.workspace).bind(since).bind(limit);
            more |= query.execute(&mut *self.tx).await?.rows_affected() == limit as u64;
        }
        Ok(more)
    }

    pub(crate) async fn destroy_usage(&mut self, connection: &str) -> Result<(), StoreError> {
        for statement in [DESTROY_CALLS, DESTROY_MINUTES, FORGET_BUDGET, FORGET_STOP] {
            query(statement).bind(&self.scope.workspace).bind(connection).execute(&mut *self.tx).await?;
        }
        Ok(())
    }

    /// What was told of a connection's budget says nothing any more.
    pub async fn forget_told_budget(&mut self, connection: &str) -> Result<(), StoreError> {
        for statement in [FORGET_BUDGET, FORGET_STOP] {
            query(statement).bind(&self.scope.workspace).bind(connection).execute(&mut *self.tx).await?;
        }
        Ok(())
    }

    /// What an app told of its daily budget; what is older than what another server was told is left out.
    pub async fn tell_budget(&mut self, budget: &BudgetRow) -> Result<(), StoreError> {
        tell_budget(&mut self.tx, budget).await
    }

    /// The app refused a call as one too many for that day.
    pub async fn stop(&mut self, connection: &str, stop: Stop) -> Result<(), StoreError> {
        let query = query(STOP).bind(&self.scope.workspace).bind(connection).bind(stop.until);
        query.bind(stop.told_at).execute(&mut *self.tx).await?;
        // Whoever remembers the connection looks again.
        self.changed = true;
        Ok(())
    }

    /// The app took a call from then.
    pub async fn go_on(&mut self, connection: &str, told_at: i64) -> Result<(), StoreError> {
        let query = query(GO_ON).bind(&self.scope.workspace).bind(connection).bind(told_at);
        self.changed |= query.execute(&mut *self.tx).await?.rows_affected() > 0;
        Ok(())
    }
}

async fn tell_budget(tx: &mut AnyConnection, budget: &BudgetRow) -> Result<(), StoreError> {
    let BudgetRow { connection, per_day, remaining, told_at } = budget;
    let query = query(TELL_BUDGET).bind(connection).bind(per_day).bind(remaining).bind(told_at);
    query.execute(tx).await?;
    Ok(())
}
