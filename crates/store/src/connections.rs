//! Connections: one, a page, a change.

use sqlx::{query, query_as, query_scalar};

use crate::{
    ConnectionRow, Reader, StoreError, Tx,
    sql::{connection_columns, declare},
};

/// Writes an outcome; `$and` says where.
macro_rules! outcome {
    ($and:literal) => {
        concat!(
            "UPDATE connections SET status = $4, attention = $5, verdict = $6, account = $7, fields = $8, search_key = $9,
             last_check = $10, verified_at = $11, checked_at = $12, next_check_at = $13, failures = $14,
             failing_since = $15
             WHERE workspace = $1 AND id = $2 AND revision = $3 AND deleted_at IS NULL",
            $and
        )
    };
}

declare! {
    GET = concat!("SELECT ", connection_columns!(), " FROM connections WHERE workspace = $1 AND (id = $2 OR slug = $2)");
    INSERT = "INSERT INTO connections (id, workspace, slug, connector, name, sort_key, search_key, fields, status, attention,
        next_check_at, failures, created_at, updated_at, revision)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $10, 0, $11, $11, 1)";
    SLUG_TAKEN = "SELECT count(*) FROM connections WHERE workspace = $1 AND slug = $2";
    CHANGE = "UPDATE connections SET name = $4, sort_key = $5, search_key = $6, fields = $7, updated_at = $8, revision = revision + 1
        WHERE workspace = $1 AND id = $2 AND revision = $3 AND deleted_at IS NULL";
    OUTCOME = outcome!("");
    OUTCOME_AS_BEFORE = outcome!(" AND status = $4 AND fields = $8");
    DELETE = "UPDATE connections SET deleted_at = $3, purge_at = $4, next_check_at = NULL WHERE workspace = $1 AND id = $2";
    RESTORE = "UPDATE connections SET deleted_at = NULL, purge_at = NULL, next_check_at = $3 WHERE workspace = $1 AND id = $2";
    DESTROY_SECRETS = "DELETE FROM secrets WHERE workspace = $1 AND connection = $2";
    DESTROY_VERIFICATIONS = "DELETE FROM verifications WHERE workspace = $1 AND connection = $2";
    DESTROY = "DELETE FROM connections WHERE workspace = $1 AND id = $2";
}

/// What a new connection begins with.
#[derive(Clone, Debug)]
pub struct NewConnectionRow {
    /// `cn_…`.
    pub id: String,
    /// Must be free: see [`Tx::slug_taken`].
    pub slug: String,
    /// The connector's id.
    pub connector: String,
    /// The name.
    pub name: String,
    /// The name in lower case: the list's order.
    pub sort_key: String,
    /// What search looks through, in lower case.
    pub search_key: String,
    /// Plain values: JSON.
    pub fields: String,
    /// `unverified`.
    pub status: String,
    /// When it is verified at the latest.
    pub next_check_at: i64,
}

/// What a person changed.
#[derive(Clone, Debug)]
pub struct ConnectionChange {
    /// Which.
    pub id: String,
    /// The revision that the person saw.
    pub revision: i64,
    /// The name.
    pub name: String,
    /// The name in lower case.
    pub sort_key: String,
    /// What search looks through.
    pub search_key: String,
    /// Plain values: JSON.
    pub fields: String,
}

/// What a verification changes.
#[derive(Clone, Debug)]
pub struct OutcomeUpdate {
    /// `valid`, `invalid` or `unverified`.
    pub status: String,
    /// JSON.
    pub verdict: Option<String>,
    /// JSON.
    pub account: Option<String>,
    /// JSON.
    pub fields: String,
    /// What search looks through.
    pub search_key: String,
    /// JSON.
    pub last_check: String,
    /// Since when it does not work, if it does not.
    pub failing_since: Option<i64>,
    /// When an answer last settled the status.
    pub verified_at: Option<i64>,
    /// When it was asked.
    pub checked_at: i64,
    /// When it is asked next.
    pub next_check_at: i64,
    /// Verifications in a row that settled nothing.
    pub failures: i64,
    /// Status or fields are other ones than those that were read.
    pub changes: bool,
}

impl Reader<'_> {
    /// One connection by id or slug; deleted ones, too.
    pub async fn connection(&self, which: &str) -> Result<Option<ConnectionRow>, StoreError> {
        Ok(query_as(GET).bind(&self.scope.workspace).bind(which).fetch_optional(self.pool).await?)
    }
}

impl Tx {
    /// Saves a new connection.
    pub async fn insert_connection(&mut self, new: &NewConnectionRow) -> Result<(), StoreError> {
        query(INSERT)
            .bind(&new.id)
            .bind(&self.scope.workspace)
            .bind(&new.slug)
            .bind(&new.connector)
            .bind(&new.name)
            .bind(&new.sort_key)
            .bind(&new.search_key)
            .bind(&new.fields)
            .bind(&new.status)
            .bind(new.next_check_at)
            .bind(self.scope.now)
            .execute(&mut *self.tx)
            .await?;
        self.changed = true;
        Ok(())
    }

    /// Does a connection have this slug, a deleted one included?
    pub async fn slug_taken(&mut self, slug: &str) -> Result<bool, StoreError> {
        let count: i64 =
            query_scalar(SLUG_TAKEN).bind(&self.scope.workspace).bind(slug).fetch_one(&mut *self.tx).await?;
        Ok(count > 0)
    }

    /// Changes a connection; `false` if it has another revision by now.
    pub async fn change_connection(&mut self, change: &ConnectionChange) -> Result<bool, StoreError> {
        let done = query(CHANGE)
            .bind(&self.scope.workspace)
            .bind(&change.id)
            .bind(change.revision)
            .bind(&change.name)
            .bind(&change.sort_key)
            .bind(&change.search_key)
            .bind(&change.fields)
            .bind(self.scope.now)
            .execute(&mut *self.tx)
            .await?;
        self.changed = true;
        Ok(done.rows_affected() == 1)
    }

    /// Writes what a verification of this revision found; `false` if it has another one by now.
    pub async fn set_outcome(
        &mut self,
        id: &str,
        revision: i64,
        it: &OutcomeUpdate,
    ) -> Result<bool, StoreError> {
        // One statement in either case, unless somebody was faster.
        let as_before = !it.changes && self.write_outcome(OUTCOME_AS_BEFORE, id, revision, it).await?;
        let changed = !as_before && self.write_outcome(OUTCOME, id, revision, it).await?;
        self.changed |= changed;
        Ok(as_before || changed)
    }

    async fn write_outcome(
        &mut self,
        sql: &'static str,
        id: &str,
        revision: i64,
        it: &OutcomeUpdate,
    ) -> Result<bool, StoreError> {
        let done = query(sql)
            .bind(&self.scope.workspace)
            .bind(id)
            .bind(revision)
            .bind(&it.status)
            .bind(i64::from(it.status != "valid"))
            .bind(&it.verdict)
            .bind(&it.account)
            .bind(&it.fields)
            .bind(&it.search_key)
            .bind(&it.last_check)
            .bind(it.verified_at)
            .bind(it.checked_at)
            .bind(it.next_check_at)
            .bind(it.failures)
            .bind(it.failing_since)
            .execute(&mut *self.tx)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Puts a connection into the trash.
    pub async fn delete_connection(&mut self, id: &str, purge_at: i64) -> Result<(), StoreError> {
        let query = query(DELETE).bind(&self.scope.workspace).bind(id).bind(self.scope.now).bind(purge_at);
        query.execute(&mut *self.tx).await?;
        self.changed = true;
        Ok(())
    }

    /// Takes a connection out of the trash.
    pub async fn restore_connection(&mut self, id: &str, next_check_at: i64) -> Result<(), StoreError> {
        let query = query(RESTORE).bind(&self.scope.workspace).bind(id).bind(next_check_at);
        query.execute(&mut *self.tx).await?;
        self.changed = true;
        Ok(())
    }

    /// Removes a connection, its secrets, its history, its syncs and what went through it.
    pub async fn destroy_connection(&mut self, id: &str) -> Result<(), StoreError> {
        self.delete_pending_change(id).await?;
        self.destroy_usage(id).await?;
        self.destroy_syncs(id).await?;
        for statement in [DESTROY_SECRETS, DESTROY_VERIFICATIONS, DESTROY] {
            query(statement).bind(&self.scope.workspace).bind(id).execute(&mut *self.tx).await?;
        }
        self.changed = true;
        Ok(())
    }
}
