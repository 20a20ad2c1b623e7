//! Access tokens, and the count of changes that whoever remembers them looks at.

use sqlx::{query, query_as, query_scalar};

use crate::{Reader, Store, StoreError, Tx, sql::declare};

/// The columns of a token, in the order of [`TokenTuple`].
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, workspace, name, hint, policy, created_at, expires_at, last_used_at, revoked_at FROM access_tokens WHERE ",
            $rest
        )
    };
}

declare! {
    TOKENS = select!("workspace = $1 ORDER BY created_at DESC, id");
    TOKEN_BY_HASH = select!("hash = $1");
    INSERT_TOKEN = "INSERT INTO access_tokens (id, workspace, name, hash, hint, policy, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    TOUCH_TOKEN = "UPDATE access_tokens SET last_used_at = $3 WHERE workspace = $1 AND id = $2";
    REVOKE_TOKEN = "UPDATE access_tokens SET revoked_at = $3 WHERE workspace = $1 AND id = $2 AND revoked_at IS NULL";
    GENERATION = "SELECT generation FROM generations WHERE workspace = $1";
    COUNT_UP = "INSERT INTO generations (workspace, generation) VALUES ($1, 1)
        ON CONFLICT (workspace) DO UPDATE SET generation = generations.generation + 1";
}

/// One access token, without its secret.
#[derive(Clone, Debug)]
pub struct AccessTokenRow {
    /// `tk_…`.
    pub id: String,
    /// The tenant.
    pub workspace: String,
    /// What it is for.
    pub name: String,
    /// Its first characters.
    pub hint: String,
    /// What it may do: JSON.
    pub policy: String,
    /// When it was made.
    pub created_at: i64,
    /// When it ends by itself.
    pub expires_at: Option<i64>,
    /// When it was last shown.
    pub last_used_at: Option<i64>,
    /// When it was revoked.
    pub revoked_at: Option<i64>,
}

/// A new access token.
#[derive(Clone, Debug)]
pub struct NewAccessToken {
    /// `tk_…`.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// The hash of its text.
    pub hash: Vec<u8>,
    /// Its first characters.
    pub hint: String,
    /// What it may do: JSON.
    pub policy: String,
    /// When it ends by itself.
    pub expires_at: Option<i64>,
}

type TokenTuple = (String, String, String, String, String, i64, Option<i64>, Option<i64>, Option<i64>);

fn token(
    (id, workspace, name, hint, policy, created_at, expires_at, last_used_at, revoked_at): TokenTuple,
) -> AccessTokenRow {
    AccessTokenRow { id, workspace, name, hint, policy, created_at, expires_at, last_used_at, revoked_at }
}

/// This finds out which workspace a caller belongs to, and so cannot ask for it.
impl Store {
    /// The access token with this hash.
    pub async fn access_token_by_hash(&self, hash: &[u8]) -> Result<Option<AccessTokenRow>, StoreError> {
        let row: Option<TokenTuple> =
            query_as(TOKEN_BY_HASH).bind(hash).fetch_optional(&self.readers).await?;
        Ok(row.map(token))
    }
}

impl Reader<'_> {
    /// All access tokens, newest first.
    pub async fn access_tokens(&self) -> Result<Vec<AccessTokenRow>, StoreError> {
        let rows: Vec<TokenTuple> = query_as(TOKENS).bind(&self.scope.workspace).fetch_all(self.pool).await?;
        Ok(rows.into_iter().map(token).collect())
    }

    /// Grows with every change of the workspace's tokens and connections that matters to somebody who uses them.
    /// What was read before it grew may be out of date; what was read since is not.
    pub async fn generation(&self) -> Result<i64, StoreError> {
        let query = query_scalar(GENERATION).bind(&self.scope.workspace);
        Ok(query.fetch_optional(self.pool).await?.unwrap_or(0))
    }
}

impl Tx {
    /// Saves an access token.
    pub async fn insert_access_token(&mut self, new: &NewAccessToken) -> Result<(), StoreError> {
        query(INSERT_TOKEN)
            .bind(&new.id)
            .bind(&self.scope.workspace)
            .bind(&new.name)
            .bind(&new.hash)
            .bind(&new.hint)
            .bind(&new.policy)
            .bind(self.scope.now)
            .bind(new.expires_at)
            .execute(&mut *self.tx)
            .await?;
        self.changed = true;
        Ok(())
    }

    /// Notes that a token was shown. Changes nothing for who uses it.
    pub async fn touch_access_token(&mut self, id: &str) -> Result<(), StoreError> {
        self.stamp(TOUCH_TOKEN, id).await
    }

    /// Ends a token.
    pub async fn revoke_access_token(&mut self, id: &str) -> Result<(), StoreError> {
        self.changed = true;
        self.stamp(REVOKE_TOKEN, id).await
    }

    async fn stamp(&mut self, sql: &'static str, id: &str) -> Result<(), StoreError> {
        query(sql).bind(&self.scope.workspace).bind(id).bind(self.scope.now).execute(&mut *self.tx).await?;
        Ok(())
    }

    /// Comes last in its transaction: on PostgreSQL others wait for this row until the end of it.
    pub(crate) async fn count_up(&mut self) -> Result<(), StoreError> {
        query(COUNT_UP).bind(&self.scope.workspace).execute(&mut *self.tx).await?;
        Ok(())
    }
}
