//! Who runs a sync: a lease with a deadline, so that two never do, and that a dead server's sync comes back.

use sqlx::{query, query_as, query_scalar};

use crate::{Kind, Store, StoreError, Tx, sql::declare};

declare! {
    NEXT_SYNC_DUE = "SELECT min(COALESCE(lease_until, next_run_at)) FROM syncs WHERE next_run_at IS NOT NULL
        AND connection IN (SELECT id FROM connections WHERE deleted_at IS NULL)";
    RENEW_SYNC = "UPDATE syncs SET lease_until = $3 WHERE id = $1 AND holder = $2 RETURNING cancelled";
    RELEASE_SYNC = "UPDATE syncs SET holder = NULL, lease_until = NULL, cancelled = 0, cause = $4,
        next_run_at = CASE WHEN state = 'active' OR $6 = 1 THEN CAST($5 AS BIGINT) END WHERE workspace = $1 AND id = $2 AND holder = $3";
    ASK_SYNC = "UPDATE syncs SET next_run_at = $3, cause = 'asked', cancelled = 0
        WHERE workspace = $1 AND id = $2 AND (lease_until IS NULL OR lease_until <= $3)";
    CANCEL_SYNC = "UPDATE syncs SET cancelled = 1 WHERE workspace = $1 AND id = $2 AND lease_until > $3";
    CANCEL_SYNCS_OF = "UPDATE syncs SET cancelled = 1 WHERE workspace = $1 AND connection = $2 AND lease_until IS NOT NULL";
}

/// `FOR UPDATE SKIP LOCKED` is the only text that differs, as with jobs.
macro_rules! claim {
    ($lock:literal) => {
        concat!(
            "UPDATE syncs SET holder = $1, lease_until = $3, cancelled = 0 WHERE id IN (
                SELECT id FROM syncs WHERE next_run_at <= $2 AND (lease_until IS NULL OR lease_until <= $2)
                    AND ($5 = '' OR id = $5)
                    AND connection IN (SELECT id FROM connections WHERE deleted_at IS NULL)
                ORDER BY next_run_at LIMIT $4 ",
            $lock,
            ") RETURNING workspace, id"
        )
    };
}

pub(crate) fn claim(kind: Kind) -> &'static str {
    match kind {
        Kind::Sqlite => claim!(""),
        Kind::Postgres => claim!("FOR UPDATE SKIP LOCKED"),
    }
}

/// How a lease stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// It is ours.
    Yes,
    /// It is ours, and somebody wants the run to end.
    Cancelled,
    /// Somebody else has it, or the sync is gone.
    No,
}

impl Store {
    /// Takes up to `limit` due syncs of all workspaces, the longest due first, for `holder` until `lease_until`; only
    /// this one if `only` is not empty. Told are workspace and id.
    pub async fn claim_syncs(
        &self,
        holder: &str,
        now: i64,
        lease_until: i64,
        limit: i64,
        only: &str,
    ) -> Result<Vec<(String, String)>, StoreError> {
        let query = query_as(claim(self.kind)).bind(holder).bind(now).bind(lease_until);
        Ok(query.bind(limit).bind(only).fetch_all(&self.writer).await?)
    }

    /// When the next sync is due, or the next lease ends.
    pub async fn next_sync_due(&self) -> Result<Option<i64>, StoreError> {
        Ok(query_scalar(NEXT_SYNC_DUE).fetch_one(&self.readers).await?)
    }

    /// Keeps a lease.
    pub async fn renew_sync(&self, id: &str, holder: &str, lease_until: i64) -> Result<Held, StoreError> {
        let query = query_scalar(RENEW_SYNC).bind(id).bind(holder).bind(lease_until);
        let cancelled: Option<i64> = query.fetch_optional(&self.writer).await?;
        Ok(match cancelled {
            None => Held::No,
            Some(0) => Held::Yes,
            Some(_) => Held::Cancelled,
        })
    }
}

impl Tx {
    /// The run is over: gives the lease back, and says when the sync is due next and why. One that is paused is not due,
    /// unless its run was `broken_off`. `false` if it was not ours.
    pub async fn release_sync(
        &mut self,
        id: &str,
        holder: &str,
        cause: &str,
        next_run_at: Option<i64>,
        broken_off: bool,
    ) -> Result<bool, StoreError> {
        let query = query(RELEASE_SYNC).bind(&self.scope.workspace).bind(id).bind(holder);
        let done =
            query.bind(cause).bind(next_run_at).bind(i64::from(broken_off)).execute(&mut *self.tx).await?;
        Ok(done.rows_affected() == 1)
    }

    /// Makes a sync due now; `false` if it runs.
    pub async fn ask_sync(&mut self, id: &str) -> Result<bool, StoreError> {
        self.mark(ASK_SYNC, id).await
    }

    /// Has its run end; `false` if it does not run.
    pub async fn cancel_sync(&mut self, id: &str) -> Result<bool, StoreError> {
        self.mark(CANCEL_SYNC, id).await
    }

    async fn mark(&mut self, sql: &'static str, id: &str) -> Result<bool, StoreError> {
        let query = query(sql).bind(&self.scope.workspace).bind(id).bind(self.scope.now);
        Ok(query.execute(&mut *self.tx).await?.rows_affected() == 1)
    }

    /// Has the runs through a connection end.
    pub async fn cancel_syncs_of(&mut self, connection: &str) -> Result<(), StoreError> {
        query(CANCEL_SYNCS_OF).bind(&self.scope.workspace).bind(connection).execute(&mut *self.tx).await?;
        Ok(())
    }
}
