//! A connection as it is stored.

use sqlx::{FromRow, Row, any::AnyRow};

use crate::OutcomeUpdate;

/// One connection. Texts named JSON belong to core; the store does not look inside.
#[derive(Clone, Debug)]
pub struct ConnectionRow {
    /// `cn_…`.
    pub id: String,
    /// The tenant.
    pub workspace: String,
    /// Unique in the workspace; stays.
    pub slug: String,
    /// The connector's id.
    pub connector: String,
    /// The name.
    pub name: String,
    /// Plain values: JSON.
    pub fields: String,
    /// `valid`, `invalid` or `unverified`.
    pub status: String,
    /// The verdict that made the status, with its time: JSON.
    pub verdict: Option<String>,
    /// The account: JSON.
    pub account: Option<String>,
    /// The most recent verdict, with its time: JSON.
    pub last_check: Option<String>,
    /// Since when it does not work, if it does not.
    pub failing_since: Option<i64>,
    /// When an answer last settled the status.
    pub verified_at: Option<i64>,
    /// When it was last asked.
    pub checked_at: Option<i64>,
    /// When it is asked next.
    pub next_check_at: Option<i64>,
    /// Verifications in a row that settled nothing.
    pub failures: i64,
    /// When it was saved.
    pub created_at: i64,
    /// When a person changed it.
    pub updated_at: i64,
    /// Counts the changes of a person.
    pub revision: i64,
    /// When it was deleted.
    pub deleted_at: Option<i64>,
    /// When it is destroyed.
    pub purge_at: Option<i64>,
    pub(crate) sort_key: String,
}

impl ConnectionRow {
    /// The row as it is after [`crate::Tx::set_outcome`].
    pub fn with_outcome(self, it: OutcomeUpdate) -> Self {
        Self {
            status: it.status,
            verdict: it.verdict,
            account: it.account,
            fields: it.fields,
            last_check: Some(it.last_check),
            failing_since: it.failing_since,
            verified_at: it.verified_at,
            checked_at: Some(it.checked_at),
            next_check_at: Some(it.next_check_at),
            failures: it.failures,
            ..self
        }
    }
}

impl<'r> FromRow<'r, AnyRow> for ConnectionRow {
    fn from_row(row: &'r AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get(0)?,
            workspace: row.try_get(1)?,
            slug: row.try_get(2)?,
            connector: row.try_get(3)?,
            name: row.try_get(4)?,
            fields: row.try_get(5)?,
            status: row.try_get(6)?,
            verdict: row.try_get(7)?,
            account: row.try_get(8)?,
            last_check: row.try_get(9)?,
            verified_at: row.try_get(10)?,
            checked_at: row.try_get(11)?,
            next_check_at: row.try_get(12)?,
            failures: row.try_get(13)?,
            created_at: row.try_get(14)?,
            updated_at: row.try_get(15)?,
            revision: row.try_get(16)?,
            deleted_at: row.try_get(17)?,
            purge_at: row.try_get(18)?,
            sort_key: row.try_get(19)?,
            failing_since: row.try_get(20)?,
        })
    }
}
