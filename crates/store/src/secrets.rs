//! Sealed values: the workspace's key, saved secrets, and changes that wait for a yes.

use keyhaven_vault::Sealed;
use sqlx::{query, query_as};

use crate::{Reader, StoreError, Tx, sql::declare};

declare! {
    KEY = "SELECT key_id, wrapped FROM workspace_keys WHERE workspace = $1";
    PUT_KEY = "INSERT INTO workspace_keys (workspace, key_id, master_key_id, wrapped, created_at) VALUES ($1, $2, $3, $4, $5)";
    SECRETS = "SELECT field, version, sealed FROM secrets WHERE workspace = $1 AND connection = $2";
    PUT_SECRET = "INSERT INTO secrets (workspace, connection, field, version, sealed, created_at) VALUES ($1, $2, $3, $4, $5, $6)";
    DELETE_OLDER = "DELETE FROM secrets WHERE workspace = $1 AND connection = $2 AND field = $3 AND version < $4";
    PENDING = "SELECT name, fields, account, version, expires_at FROM pending_changes WHERE workspace = $1 AND connection = $2";
    PENDING_SECRETS = "SELECT field, sealed FROM pending_secrets WHERE workspace = $1 AND connection = $2";
    PUT_PENDING = "INSERT INTO pending_changes (workspace, connection, name, fields, account, version, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    PUT_PENDING_SECRET = "INSERT INTO pending_secrets (workspace, connection, field, sealed) VALUES ($1, $2, $3, $4)";
    DELETE_PENDING_SECRETS = "DELETE FROM pending_secrets WHERE workspace = $1 AND connection = $2";
    DELETE_PENDING = "DELETE FROM pending_changes WHERE workspace = $1 AND connection = $2";
    PRUNE_PENDING_SECRETS = "DELETE FROM pending_secrets WHERE workspace = $1 AND connection IN
        (SELECT connection FROM pending_changes WHERE workspace = $1 AND expires_at <= $2)";
    PRUNE_PENDING = "DELETE FROM pending_changes WHERE workspace = $1 AND expires_at <= $2";
}

/// The workspace's key, wrapped.
#[derive(Debug)]
pub struct WorkspaceKeyRow {
    /// Names the key.
    pub key_id: String,
    /// Its bytes, wrapped by the master key.
    pub wrapped: Vec<u8>,
}

/// One saved secret.
#[derive(Debug)]
pub struct SecretRow {
    /// The field's id.
    pub field: String,
    /// Part of its place.
    pub version: i64,
    /// Its bytes.
    pub sealed: Sealed,
}

/// A change that waits for a yes.
#[derive(Debug)]
pub struct PendingChangeRow {
    /// The name to give.
    pub name: String,
    /// The plain values: JSON.
    pub fields: String,
    /// Whose key it is: JSON.
    pub account: String,
    /// Part of the secrets' places.
    pub version: i64,
    /// When it is forgotten.
    pub expires_at: i64,
}

/// A change that shall wait for a yes.
#[derive(Debug)]
pub struct NewPendingChange {
    /// Which connection.
    pub connection: String,
    /// The name to give.
    pub name: String,
    /// The plain values: JSON.
    pub fields: String,
    /// Whose key it is: JSON.
    pub account: String,
    /// Part of the secrets' places.
    pub version: i64,
    /// When it is forgotten.
    pub expires_at: i64,
    /// Field to sealed value.
    pub secrets: Vec<(String, Sealed)>,
}

fn sealed(bytes: Vec<u8>) -> Result<Sealed, StoreError> {
    Sealed::from_bytes(bytes).map_err(|error| StoreError::Other(error.to_string()))
}

impl Reader<'_> {
    /// The workspace's key, if one was made.
    pub async fn workspace_key(&self) -> Result<Option<WorkspaceKeyRow>, StoreError> {
        let row: Option<(String, Vec<u8>)> =
            query_as(KEY).bind(&self.scope.workspace).fetch_optional(self.pool).await?;
        Ok(row.map(|(key_id, wrapped)| WorkspaceKeyRow { key_id, wrapped }))
    }

    /// A connection's saved secrets.
    pub async fn secrets(&self, connection: &str) -> Result<Vec<SecretRow>, StoreError> {
        let rows: Vec<(String, i64, Vec<u8>)> =
            query_as(SECRETS).bind(&self.scope.workspace).bind(connection).fetch_all(self.pool).await?;
        let row = |(field, version, bytes)| Ok(SecretRow { field, version, sealed: sealed(bytes)? });
        rows.into_iter().map(row).collect()
    }

    /// A connection's change that waits for a yes.
    pub async fn pending_change(&self, connection: &str) -> Result<Option<PendingChangeRow>, StoreError> {
        let row: Option<(String, String, String, i64, i64)> =
            query_as(PENDING).bind(&self.scope.workspace).bind(connection).fetch_optional(self.pool).await?;
        Ok(row.map(|(name, fields, account, version, expires_at)| PendingChangeRow {
            name,
            fields,
            account,
            version,
            expires_at,
        }))
    }

    /// The secrets of that change.
    pub async fn pending_secrets(&self, connection: &str) -> Result<Vec<(String, Sealed)>, StoreError> {
        let rows: Vec<(String, Vec<u8>)> = query_as(PENDING_SECRETS)
            .bind(&self.scope.workspace)
            .bind(connection)
            .fetch_all(self.pool)
            .await?;
        rows.into_iter().map(|(field, bytes)| Ok((field, sealed(bytes)?))).collect()
    }
}

impl Tx {
    /// Saves the workspace's key; [`StoreError::Conflict`] if there is one.
    pub async fn put_workspace_key(
        &mut self,
        id: &str,
        master: &str,
        wrapped: &[u8],
    ) -> Result<(), StoreError> {
        let query = query(PUT_KEY).bind(&self.scope.workspace).bind(id).bind(master).bind(wrapped);
        query.bind(self.scope.now).execute(&mut *self.tx).await?;
        Ok(())
    }

    /// Saves a secret.
    pub async fn put_secret(
        &mut self,
        connection: &str,
        field: &str,
        version: i64,
        sealed: &Sealed,
    ) -> Result<(), StoreError> {
        let query = query(PUT_SECRET).bind(&self.scope.workspace).bind(connection).bind(field).bind(version);
        query.bind(sealed.as_bytes()).bind(self.scope.now).execute(&mut *self.tx).await?;
        Ok(())
    }

    /// Removes what a new secret replaces.
    pub async fn delete_older_secrets(
        &mut self,
        connection: &str,
        field: &str,
        version: i64,
    ) -> Result<(), StoreError> {
        let query =
            query(DELETE_OLDER).bind(&self.scope.workspace).bind(connection).bind(field).bind(version);
        query.execute(&mut *self.tx).await?;
        Ok(())
    }

    /// Keeps a change until somebody says yes or no; replaces an earlier one.
    pub async fn put_pending_change(&mut self, new: &NewPendingChange) -> Result<(), StoreError> {
        self.delete_pending_change(&new.connection).await?;
        query(PUT_PENDING)
            .bind(&self.scope.workspace)
            .bind(&new.connection)
            .bind(&new.name)
            .bind(&new.fields)
            .bind(&new.account)
            .bind(new.version)
            .bind(new.expires_at)
            .execute(&mut *self.tx)
            .await?;
        for (field, sealed) in &new.secrets {
            let query =
                query(PUT_PENDING_SECRET).bind(&self.scope.workspace).bind(&new.connection).bind(field);
            query.bind(sealed.as_bytes()).execute(&mut *self.tx).await?;
        }
        Ok(())
    }

    /// Forgets a change that waits, if there is one.
    pub async fn delete_pending_change(&mut self, connection: &str) -> Result<(), StoreError> {
        for statement in [DELETE_PENDING_SECRETS, DELETE_PENDING] {
            query(statement).bind(&self.scope.workspace).bind(connection).execute(&mut *self.tx).await?;
        }
        Ok(())
    }

    pub(crate) async fn prune_pending(&mut self) -> Result<(), StoreError> {
        for statement in [PRUNE_PENDING_SECRETS, PRUNE_PENDING] {
            query(statement).bind(&self.scope.workspace).bind(self.scope.now).execute(&mut *self.tx).await?;
        }
        Ok(())
    }
}
