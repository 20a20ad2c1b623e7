//! The history of verifications.

use sqlx::{query, query_as};

use crate::{Reader, StoreError, Tx, sql::declare};

declare! {
    ADD = "INSERT INTO verifications (id, workspace, connection, at, status, reason, detail, ms, cause)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    DAYS = "SELECT (at - $3) / $4 AS bucket, status, count(*) FROM verifications
        WHERE workspace = $1 AND connection = $2 AND at >= $3 GROUP BY bucket, status";
    RECENT = "SELECT at, status, reason, detail, ms, cause FROM verifications
        WHERE workspace = $1 AND connection = $2 ORDER BY at DESC, id LIMIT $3";
    PRUNE = "DELETE FROM verifications WHERE workspace = $1 AND at < $2";
}

/// One verification to remember.
#[derive(Clone, Debug)]
pub struct NewVerification {
    /// `vf_…`.
    pub id: String,
    /// Which connection.
    pub connection: String,
    /// When.
    pub at: i64,
    /// The status that the verdict makes by itself.
    pub status: String,
    /// The reason.
    pub reason: String,
    /// The finer word.
    pub detail: Option<String>,
    /// How long it took, in milliseconds.
    pub ms: i64,
    /// What made Keyhaven ask, in a word.
    pub trigger: String,
}

/// One verification that is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerificationRow {
    /// When.
    pub at: i64,
    /// The status that the verdict makes by itself.
    pub status: String,
    /// The reason.
    pub reason: String,
    /// The finer word.
    pub detail: Option<String>,
    /// How long it took, in milliseconds.
    pub ms: i64,
    /// What made Keyhaven ask.
    pub trigger: String,
}

/// How often one status was found on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayCount {
    /// Days since the first one that was asked for.
    pub bucket: i64,
    /// The status.
    pub status: String,
    /// How often.
    pub count: i64,
}

impl Reader<'_> {
    /// Counts by day and status since `first`; a day has `length` milliseconds.
    pub async fn history(
        &self,
        connection: &str,
        first: i64,
        length: i64,
    ) -> Result<Vec<DayCount>, StoreError> {
        let query = query_as(DAYS).bind(&self.scope.workspace).bind(connection).bind(first).bind(length);
        let rows: Vec<(i64, String, i64)> = query.fetch_all(self.pool).await?;
        Ok(rows.into_iter().map(|(bucket, status, count)| DayCount { bucket, status, count }).collect())
    }

    /// The most recent ones, newest first.
    pub async fn recent_verifications(
        &self,
        connection: &str,
        limit: i64,
    ) -> Result<Vec<VerificationRow>, StoreError> {
        type Row = (i64, String, String, Option<String>, i64, String);
        let query = query_as(RECENT).bind(&self.scope.workspace).bind(connection).bind(limit);
        let rows: Vec<Row> = query.fetch_all(self.pool).await?;
        let row = |(at, status, reason, detail, ms, trigger)| VerificationRow {
            at,
            status,
            reason,
            detail,
            ms,
            trigger,
        };
        Ok(rows.into_iter().map(row).collect())
    }
}

impl Tx {
    /// Remembers a verification.
    pub async fn add_verification(&mut self, new: &NewVerification) -> Result<(), StoreError> {
        query(ADD)
            .bind(&new.id)
            .bind(&self.scope.workspace)
            .bind(&new.connection)
            .bind(new.at)
            .bind(&new.status)
            .bind(&new.reason)
            .bind(&new.detail)
            .bind(new.ms)
            .bind(&new.trigger)
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }

    /// Forgets verifications before `since`, and whatever of the workspace has expired.
    pub async fn prune(&mut self, since: i64) -> Result<(), StoreError> {
        query(PRUNE).bind(&self.scope.workspace).bind(since).execute(&mut *self.tx).await?;
        self.prune_pending().await?;
        self.prune_people().await
    }
}
