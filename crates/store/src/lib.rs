//! Rows in SQLite or PostgreSQL, from one SQL text.
//!
//! [`Store::read`] and [`Store::begin`] take a [`Scope`]: nothing is read or written outside a workspace. The few
//! methods on [`Store`] itself are those that find out which workspace a caller belongs to, the job queue, and the
//! batches of usage, whose workspace is that of the connection.

mod audit;
mod connections;
mod error;
mod jobs;
mod list;
mod open;
mod people;
mod rows;
mod secrets;
mod sql;
mod syncs;
mod tokens;
mod usage;
mod verifications;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use sqlx::{Any, AnyPool, Transaction};

pub use audit::AuditRow;
pub use connections::{ConnectionChange, NewConnectionRow, OutcomeUpdate};
pub use error::StoreError;
pub use jobs::JobRow;
pub use list::{Counts, Cursor, ListFilter, ListPage};
pub use open::Kind;
pub use people::{Claim, IdempotencyRow, SessionRow};
pub use rows::ConnectionRow;
pub use secrets::{NewPendingChange, PendingChangeRow, SecretRow, WorkspaceKeyRow};
pub use sql::statements;
pub use syncs::{Held, RunCounts, RunEnd, SyncRow, SyncRunRow, SyncValues};
pub use tokens::{AccessTokenRow, NewAccessToken};
pub use usage::{Before, BudgetRow, CallRow, Latencies, MinuteRow, NewCall, Stop, TokenUsage, UsageCounts};
pub use verifications::{DayCount, NewVerification, VerificationRow};

/// An open database.
pub struct Store {
    kind: Kind,
    readers: AnyPool,
    /// SQLite has room for one writer; waiting for it here is fairer than `SQLITE_BUSY`.
    writer: AnyPool,
    changes: Arc<AtomicU64>,
}

/// Who reads or writes, in which workspace, and when.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The tenant.
    pub workspace: String,
    /// Whoever does it.
    pub actor: String,
    /// Now, in milliseconds since 1970 UTC.
    pub now: i64,
}

/// Reads in one workspace.
pub struct Reader<'a> {
    pool: &'a AnyPool,
    scope: Scope,
}

/// Writes in one workspace, all or nothing. Dropped without [`Tx::commit`], it has done nothing.
pub struct Tx {
    tx: Transaction<'static, Any>,
    scope: Scope,
    /// Something that others may remember is another one now: see [`Reader::generation`].
    changed: bool,
    changes: Arc<AtomicU64>,
}

impl Store {
    /// Counts the commits of this process that [`Reader::generation`] counts, too: told without a look into the
    /// database.
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// Reads in the scope's workspace.
    pub fn read(&self, scope: &Scope) -> Reader<'_> {
        Reader { pool: &self.readers, scope: scope.clone() }
    }

    /// Begins to write in the scope's workspace.
    pub async fn begin(&self, scope: &Scope) -> Result<Tx, StoreError> {
        let tx = self.transaction().await?;
        Ok(Tx { tx, scope: scope.clone(), changed: false, changes: self.changes.clone() })
    }

    async fn transaction(&self) -> Result<Transaction<'static, Any>, StoreError> {
        Ok(match self.kind {
            // Taking the write lock at once: a lock that is taken later may be refused.
            Kind::Sqlite => self.writer.begin_with("BEGIN IMMEDIATE").await?,
            Kind::Postgres => self.writer.begin().await?,
        })
    }
}

impl Tx {
    /// Makes it so.
    pub async fn commit(mut self) -> Result<(), StoreError> {
        if self.changed {
            self.count_up().await?;
        }
        self.tx.commit().await?;
        if self.changed {
            self.changes.fetch_add(1, Ordering::AcqRel);
        }
        Ok(())
    }
}
