//! Jobs with a lease deadline. The change and its job commit together; a dead worker's job comes back.

use sqlx::{query, query_as, query_scalar};

use crate::{Kind, Store, StoreError, Tx, sql::declare};

declare! {
    SCHEDULE = "INSERT INTO jobs (workspace, kind, subject, run_at, lease_until, attempts) VALUES ($1, $2, $3, $4, NULL, 0)
        ON CONFLICT (workspace, kind, subject) DO UPDATE SET run_at = excluded.run_at, lease_until = NULL, attempts = 0";
    ENSURE = "INSERT INTO jobs (workspace, kind, subject, run_at, lease_until, attempts) VALUES ($1, $2, $3, $4, NULL, 0)
        ON CONFLICT (workspace, kind, subject) DO NOTHING";
    FINISH = "DELETE FROM jobs WHERE workspace = $1 AND kind = $2 AND subject = $3";
    NEXT_DUE = "SELECT min(at) FROM (SELECT min(run_at) AS at FROM jobs WHERE lease_until IS NULL
        UNION ALL SELECT min(lease_until) FROM jobs WHERE lease_until IS NOT NULL) AS dates";
}

/// `FOR UPDATE SKIP LOCKED` is the only text that differs: SQLite has one writer, and nothing to skip.
macro_rules! claim {
    ($lock:literal) => {
        concat!(
            "UPDATE jobs SET lease_until = $2, attempts = attempts + 1 WHERE (workspace, kind, subject) IN (
                SELECT workspace, kind, subject FROM jobs WHERE run_at <= $1 AND (lease_until IS NULL OR lease_until <= $1)
                ORDER BY run_at LIMIT $3 ",
            $lock,
            ") RETURNING workspace, kind, subject, attempts"
        )
    };
}

pub(crate) fn claim(kind: Kind) -> &'static str {
    match kind {
        Kind::Sqlite => claim!(""),
        Kind::Postgres => claim!("FOR UPDATE SKIP LOCKED"),
    }
}

/// A job that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRow {
    /// The tenant.
    pub workspace: String,
    /// What to do.
    pub kind: String,
    /// With what.
    pub subject: String,
    /// How often it was taken since it was scheduled.
    pub attempts: i64,
}

impl Store {
    /// Takes up to `limit` due jobs of all workspaces, the longest due first, and holds them until `lease_until`.
    pub async fn claim_due(&self, now: i64, lease_until: i64, limit: i64) -> Result<Vec<JobRow>, StoreError> {
        let query = query_as(claim(self.kind)).bind(now).bind(lease_until).bind(limit);
        let rows: Vec<(String, String, String, i64)> = query.fetch_all(&self.writer).await?;
        let row = |(workspace, kind, subject, attempts)| JobRow { workspace, kind, subject, attempts };
        Ok(rows.into_iter().map(row).collect())
    }

    /// When the next job is due, or the next lease ends.
    pub async fn next_due(&self) -> Result<Option<i64>, StoreError> {
        Ok(query_scalar(NEXT_DUE).fetch_one(&self.readers).await?)
    }
}

impl Tx {
    /// Has something done at `run_at`; replaces an earlier time for the same.
    pub async fn schedule_job(&mut self, kind: &str, subject: &str, run_at: i64) -> Result<(), StoreError> {
        self.put_job(SCHEDULE, kind, subject, run_at).await
    }

    /// Has something done at `run_at`, unless it is scheduled already.
    pub async fn ensure_job(&mut self, kind: &str, subject: &str, run_at: i64) -> Result<(), StoreError> {
        self.put_job(ENSURE, kind, subject, run_at).await
    }

    async fn put_job(
        &mut self,
        sql: &'static str,
        kind: &str,
        subject: &str,
        run_at: i64,
    ) -> Result<(), StoreError> {
        let query = query(sql).bind(&self.scope.workspace).bind(kind).bind(subject).bind(run_at);
        query.execute(&mut *self.tx).await?;
        Ok(())
    }

    /// Nothing is left to do.
    pub async fn finish_job(&mut self, kind: &str, subject: &str) -> Result<(), StoreError> {
        let query = query(FINISH).bind(&self.scope.workspace).bind(kind).bind(subject);
        query.execute(&mut *self.tx).await?;
        Ok(())
    }
}
