//! Who may come in: sign-in links and sessions. And which requests were made before.

use sqlx::{query, query_as};

use crate::{Reader, Store, StoreError, Tx, sql::declare};

/// Idempotency keys are remembered for a day.
const IDEMPOTENCY_LIVES: i64 = 24 * 60 * 60 * 1000;

declare! {
    INSERT_LINK = "INSERT INTO sign_in_links (hash, workspace, created_at, expires_at) VALUES ($1, $2, $3, $4)";
    REDEEM_LINK = "UPDATE sign_in_links SET used_at = $2 WHERE hash = $1 AND used_at IS NULL AND expires_at > $2 RETURNING workspace, hash";
    PRUNE_LINKS = "DELETE FROM sign_in_links WHERE workspace = $1 AND expires_at <= $2";
    SESSION_BY_HASH = "SELECT workspace, expires_at FROM sessions WHERE hash = $1";
    INSERT_SESSION = "INSERT INTO sessions (hash, workspace, created_at, expires_at) VALUES ($1, $2, $3, $4)";
    DELETE_SESSION = "DELETE FROM sessions WHERE workspace = $1 AND hash = $2";
    PRUNE_SESSIONS = "DELETE FROM sessions WHERE workspace = $1 AND expires_at <= $2";
    IDEMPOTENCY = "SELECT fingerprint, subject FROM idempotency WHERE workspace = $1 AND actor = $2 AND idempotency_key = $3";
    CLAIM_IDEMPOTENCY = "INSERT INTO idempotency (workspace, actor, idempotency_key, fingerprint, subject, created_at)
        VALUES ($1, $2, $3, $4, $5, $6)";
    PRUNE_IDEMPOTENCY = "DELETE FROM idempotency WHERE workspace = $1 AND created_at <= $2";
}

/// A session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// The tenant.
    pub workspace: String,
    /// When it ends.
    pub expires_at: i64,
}

/// A request that shall be done once.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The caller's key.
    pub key: String,
    /// Tells this request from others.
    pub fingerprint: Vec<u8>,
}

/// A request that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyRow {
    /// Tells this request from others.
    pub fingerprint: Vec<u8>,
    /// What it made.
    pub subject: String,
}

/// These find out which workspace a caller belongs to, and so cannot ask for it.
impl Store {
    /// Uses up a sign-in link, once, and tells its workspace.
    pub async fn redeem_sign_in_link(&self, hash: &[u8], now: i64) -> Result<Option<String>, StoreError> {
        let row: Option<(String, Vec<u8>)> =
            query_as(REDEEM_LINK).bind(hash).bind(now).fetch_optional(&self.writer).await?;
        Ok(row.map(|(workspace, _)| workspace))
    }

    /// The session with this hash.
    pub async fn session_by_hash(&self, hash: &[u8]) -> Result<Option<SessionRow>, StoreError> {
        let row: Option<(String, i64)> =
            query_as(SESSION_BY_HASH).bind(hash).fetch_optional(&self.readers).await?;
        Ok(row.map(|(workspace, expires_at)| SessionRow { workspace, expires_at }))
    }
}

impl Reader<'_> {
    /// The request that this actor made with this key.
    pub async fn idempotency(&self, key: &str) -> Result<Option<IdempotencyRow>, StoreError> {
        let query = query_as(IDEMPOTENCY).bind(&self.scope.workspace).bind(&self.scope.actor).bind(key);
        let row: Option<(Vec<u8>, String)> = query.fetch_optional(self.pool).await?;
        Ok(row.map(|(fingerprint, subject)| IdempotencyRow { fingerprint, subject }))
    }
}

impl Tx {
    /// Saves a sign-in link.
    pub async fn insert_sign_in_link(&mut self, hash: &[u8], expires_at: i64) -> Result<(), StoreError> {
        self.insert_hash(INSERT_LINK, hash, expires_at).await
    }

    /// Saves a session.
    pub async fn insert_session(&mut self, hash: &[u8], expires_at: i64) -> Result<(), StoreError> {
        self.insert_hash(INSERT_SESSION, hash, expires_at).await
    }

    async fn insert_hash(
        &mut self,
        sql: &'static str,
        hash: &[u8],
        expires_at: i64,
    ) -> Result<(), StoreError> {
        let query = query(sql).bind(hash).bind(&self.scope.workspace).bind(self.scope.now).bind(expires_at);
        query.execute(&mut *self.tx).await?;
        Ok(())
    }

    /// Ends a session.
    pub async fn delete_session(&mut self, hash: &[u8]) -> Result<(), StoreError> {
        query(DELETE_SESSION).bind(&self.scope.workspace).bind(hash).execute(&mut *self.tx).await?;
        Ok(())
    }

    /// Notes that this actor makes this request; [`StoreError::Conflict`] if it was made before.
    pub async fn claim_idempotency(&mut self, claim: &Claim, subject: &str) -> Result<(), StoreError> {
        let query =
            query(CLAIM_IDEMPOTENCY).bind(&self.scope.workspace).bind(&self.scope.actor).bind(&claim.key);
        query.bind(&claim.fingerprint).bind(subject).bind(self.scope.now).execute(&mut *self.tx).await?;
        Ok(())
    }

    pub(crate) async fn prune_people(&mut self) -> Result<(), StoreError> {
        let now = self.scope.now;
        let all = [(PRUNE_LINKS, now), (PRUNE_SESSIONS, now), (PRUNE_IDEMPOTENCY, now - IDEMPOTENCY_LIVES)];
        for (statement, before) in all {
            query(statement).bind(&self.scope.workspace).bind(before).execute(&mut *self.tx).await?;
        }
        Ok(())
    }
}
