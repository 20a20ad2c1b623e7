//! Runs of syncs: what they did.

use sqlx::{FromRow, Row, any::AnyRow, query, query_as};

use crate::{Before, Reader, Store, StoreError, Tx, sql::declare};

declare! {
    SYNC_RUNS = "SELECT id, sync, cause, began_at, finished_at, outcome, message, remedy, goes_on_at, requests, cost,
            rows_read, rows_written, rows_deleted, progress FROM sync_runs
        WHERE workspace = $1 AND sync = $2 AND (began_at, id) < ($3, $4) ORDER BY began_at DESC, id DESC LIMIT $5";
    BEGIN_RUN = "INSERT INTO sync_runs (id, workspace, sync, cause, began_at, outcome, requests, cost, rows_read, rows_written,
        rows_deleted, progress) VALUES ($1, $2, $3, $4, $5, 'running', 0, 0, 0, 0, 0, '[]')";
    NOTE_RUN = "UPDATE sync_runs SET requests = $2, cost = $3, rows_read = $4, rows_written = $5, rows_deleted = $6,
        progress = $7 WHERE id = $1 AND finished_at IS NULL";
    END_RUN = "UPDATE sync_runs SET finished_at = $3, outcome = $4, message = $5, remedy = $6, goes_on_at = $7
        WHERE workspace = $1 AND id = $2 AND finished_at IS NULL";
    INTERRUPTED = "UPDATE sync_runs SET finished_at = $3, outcome = 'interrupted', message = $4, remedy = $5
        WHERE workspace = $1 AND sync = $2 AND finished_at IS NULL";
    PRUNE_RUNS = "DELETE FROM sync_runs WHERE workspace = $1 AND finished_at < $2";
}

/// One run.
#[derive(Clone, Debug)]
pub struct SyncRunRow {
    /// `sr_…`.
    pub id: String,
    /// The id of its sync.
    pub sync: String,
    /// `schedule`, `asked` or `goes_on`.
    pub cause: String,
    /// When it began.
    pub began_at: i64,
    /// When it ended.
    pub finished_at: Option<i64>,
    /// `running`, `done`, `paused`, `cancelled`, `interrupted` or `failed`.
    pub outcome: String,
    /// Why it ended early.
    pub message: Option<String>,
    /// What to do about it.
    pub remedy: Option<String>,
    /// When it goes on by itself, where it was left for later.
    pub goes_on_at: Option<i64>,
    /// What it did.
    pub counts: RunCounts,
    /// Stream by stream: JSON.
    pub progress: String,
}

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunCounts {
    /// Requests to the app.
    pub requests: i64,
    /// What they cost of its budget.
    pub cost: i64,
    /// Records read.
    pub rows_read: i64,
    /// Of these, new or different.
    pub rows_written: i64,
    /// Found to be deleted.
    pub rows_deleted: i64,
}

/// How a run ended.
#[derive(Clone, Debug)]
pub struct RunEnd {
    /// See [`SyncRunRow::outcome`].
    pub outcome: String,
    /// Why, if it ended early.
    pub message: Option<String>,
    /// What to do about it.
    pub remedy: Option<String>,
    /// When it goes on by itself.
    pub goes_on_at: Option<i64>,
}

impl<'r> FromRow<'r, AnyRow> for SyncRunRow {
    fn from_row(row: &'r AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get(0)?,
            sync: row.try_get(1)?,
            cause: row.try_get(2)?,
            began_at: row.try_get(3)?,
            finished_at: row.try_get(4)?,
            outcome: row.try_get(5)?,
            message: row.try_get(6)?,
            remedy: row.try_get(7)?,
            goes_on_at: row.try_get(8)?,
            counts: RunCounts {
                requests: row.try_get(9)?,
                cost: row.try_get(10)?,
                rows_read: row.try_get(11)?,
                rows_written: row.try_get(12)?,
                rows_deleted: row.try_get(13)?,
            },
            progress: row.try_get(14)?,
        })
    }
}

impl Reader<'_> {
    /// Runs of a sync before this one, newest first.
    pub async fn sync_runs(
        &self,
        sync: &str,
        before: &Before,
        limit: i64,
    ) -> Result<Vec<SyncRunRow>, StoreError> {
        let query = query_as(SYNC_RUNS).bind(&self.scope.workspace).bind(sync).bind(before.at);
        Ok(query.bind(&before.id).bind(limit).fetch_all(self.pool).await?)
    }
}

impl Store {
    /// Writes down how far a run is, for other servers to show.
    pub async fn note_sync_run(&self, id: &str, it: &RunCounts, progress: &str) -> Result<(), StoreError> {
        let query = query(NOTE_RUN).bind(id).bind(it.requests).bind(it.cost).bind(it.rows_read);
        let query = query.bind(it.rows_written).bind(it.rows_deleted).bind(progress);
        query.execute(&self.writer).await?;
        Ok(())
    }
}

impl Tx {
    /// A run begins.
    pub async fn begin_sync_run(&mut self, id: &str, sync: &str, cause: &str) -> Result<(), StoreError> {
        let query = query(BEGIN_RUN).bind(id).bind(&self.scope.workspace).bind(sync).bind(cause);
        query.bind(self.scope.now).execute(&mut *self.tx).await?;
        Ok(())
    }

    /// It ends.
    pub async fn end_sync_run(&mut self, id: &str, it: &RunEnd) -> Result<(), StoreError> {
        let query = query(END_RUN).bind(&self.scope.workspace).bind(id).bind(self.scope.now);
        let query = query.bind(&it.outcome).bind(&it.message).bind(&it.remedy).bind(it.goes_on_at);
        query.execute(&mut *self.tx).await?;
        Ok(())
    }

    /// Ends the runs of a sync whose server is gone; tells how many there were.
    pub async fn interrupt_sync_runs(
        &mut self,
        sync: &str,
        message: &str,
        remedy: &str,
    ) -> Result<u64, StoreError> {
        let query = query(INTERRUPTED).bind(&self.scope.workspace).bind(sync).bind(self.scope.now);
        Ok(query.bind(message).bind(remedy).execute(&mut *self.tx).await?.rows_affected())
    }

    /// Forgets runs that ended before this time.
    pub async fn prune_sync_runs(&mut self, before: i64) -> Result<(), StoreError> {
        query(PRUNE_RUNS).bind(&self.scope.workspace).bind(before).execute(&mut *self.tx).await?;
        Ok(())
    }
}
