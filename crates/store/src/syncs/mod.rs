//! Saved syncs and their runs.

pub(crate) mod lease;
pub(crate) mod runs;

use keyhaven_vault::Sealed;
use sqlx::{FromRow, Row, any::AnyRow, query, query_as};

pub use lease::Held;
pub use runs::{RunCounts, RunEnd, SyncRunRow};

use crate::{Reader, StoreError, Tx, sql::declare};

/// The columns of a sync, in the order of [`SyncRow`].
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT syncs.id, connection, connections.slug, connections.name, connections.deleted_at, syncs.name,
                destination_version, shown_destination, streams, deleted, share, schedule, time_zone, state, next_run_at,
                cause, holder, lease_until, cancelled, syncs.created_at, syncs.updated_at
            FROM syncs JOIN connections ON connections.id = connection WHERE syncs.workspace = $1 AND ",
            $rest
        )
    };
}

declare! {
    GET_SYNC = select!("syncs.id = $2");
    SYNCS = select!("($2 = '' OR connection = $2) ORDER BY syncs.name, syncs.id");
    SEALED = "SELECT sealed_destination, destination_version FROM syncs WHERE workspace = $1 AND id = $2";
    INSERT_SYNC = "INSERT INTO syncs (id, workspace, connection, name, sealed_destination, destination_version,
            shown_destination, streams, deleted, share, schedule, time_zone, state, next_run_at, cause, cancelled,
            created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, 1, $6, $7, $8, $9, $10, $11, $12, $13, 'schedule', 0, $14, $14)";
    CHANGE_SYNC = "UPDATE syncs SET name = $3, streams = $4, deleted = $5, share = $6, schedule = $7, time_zone = $8,
        next_run_at = CASE WHEN holder IS NULL THEN $9 ELSE next_run_at END, updated_at = $10
        WHERE workspace = $1 AND id = $2";
    SET_DESTINATION = "UPDATE syncs SET sealed_destination = $3, destination_version = $4, shown_destination = $5
        WHERE workspace = $1 AND id = $2";
    SET_STATE = "UPDATE syncs SET state = $3, next_run_at = CASE WHEN holder IS NULL THEN $4 ELSE next_run_at END,
        updated_at = $5 WHERE workspace = $1 AND id = $2";
    DELETE_RUNS = "DELETE FROM sync_runs WHERE workspace = $1 AND sync = $2";
    DELETE_SYNC = "DELETE FROM syncs WHERE workspace = $1 AND id = $2";
    DESTROY_RUNS = "DELETE FROM sync_runs WHERE workspace = $1
        AND sync IN (SELECT id FROM syncs WHERE workspace = $1 AND connection = $2)";
    DESTROY_SYNCS = "DELETE FROM syncs WHERE workspace = $1 AND connection = $2";
}

/// One saved sync, without its destination: that is sealed.
#[derive(Clone, Debug)]
pub struct SyncRow {
    /// `sy_…`.
    pub id: String,
    /// The id of the connection it reads through.
    pub connection: String,
    /// That one's slug.
    pub connection_slug: String,
    /// That one's name.
    pub connection_name: String,
    /// When that one was deleted.
    pub connection_deleted_at: Option<i64>,
    /// What people call it.
    pub name: String,
    /// Part of the place of the sealed destination.
    pub destination_version: i64,
    /// The destination without user and password.
    pub destination: String,
    /// The chosen streams: JSON; an empty list is all.
    pub streams: String,
    /// `keep` or `remove`.
    pub deleted: String,
    /// Percent of what is left of the day's budget.
    pub share: i64,
    /// As it was written.
    pub schedule: String,
    /// Where the schedule's hours are those of the day.
    pub time_zone: String,
    /// `active` or `paused`.
    pub state: String,
    /// When it is due.
    pub next_run_at: Option<i64>,
    /// Why it is due then: `schedule`, `asked` or `goes_on`.
    pub cause: String,
    /// Who runs it.
    pub holder: Option<String>,
    /// Until when that one has it to itself.
    pub lease_until: Option<i64>,
    /// Its run shall end.
    pub cancelled: bool,
    /// When it was saved.
    pub created_at: i64,
    /// When it was last changed.
    pub updated_at: i64,
}

impl<'r> FromRow<'r, AnyRow> for SyncRow {
    fn from_row(row: &'r AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get(0)?,
            connection: row.try_get(1)?,
            connection_slug: row.try_get(2)?,
            connection_name: row.try_get(3)?,
            connection_deleted_at: row.try_get(4)?,
            name: row.try_get(5)?,
            destination_version: row.try_get(6)?,
            destination: row.try_get(7)?,
            streams: row.try_get(8)?,
            deleted: row.try_get(9)?,
            share: row.try_get(10)?,
            schedule: row.try_get(11)?,
            time_zone: row.try_get(12)?,
            state: row.try_get(13)?,
            next_run_at: row.try_get(14)?,
            cause: row.try_get(15)?,
            holder: row.try_get(16)?,
            lease_until: row.try_get(17)?,
            cancelled: row.try_get::<i64, _>(18)? != 0,
            created_at: row.try_get(19)?,
            updated_at: row.try_get(20)?,
        })
    }
}

/// What a person says of a sync.
#[derive(Clone, Debug)]
pub struct SyncValues {
    /// What people call it.
    pub name: String,
    /// The chosen streams: JSON.
    pub streams: String,
    /// `keep` or `remove`.
    pub deleted: String,
    /// Percent of what is left of the day's budget.
    pub share: i64,
    /// As it was written.
    pub schedule: String,
    /// Where the schedule's hours are those of the day.
    pub time_zone: String,
    /// When it is due.
    pub next_run_at: Option<i64>,
}

impl Reader<'_> {
    /// One sync.
    pub async fn sync(&self, id: &str) -> Result<Option<SyncRow>, StoreError> {
        Ok(query_as(GET_SYNC).bind(&self.scope.workspace).bind(id).fetch_optional(self.pool).await?)
    }

    /// All syncs, or those of one connection, by name.
    pub async fn syncs(&self, connection: &str) -> Result<Vec<SyncRow>, StoreError> {
        Ok(query_as(SYNCS).bind(&self.scope.workspace).bind(connection).fetch_all(self.pool).await?)
    }

    /// Where a sync writes, sealed, and the version that is part of its place.
    pub async fn sync_destination(&self, id: &str) -> Result<Option<(Sealed, i64)>, StoreError> {
        let query = query_as(SEALED).bind(&self.scope.workspace).bind(id);
        let row: Option<(Vec<u8>, i64)> = query.fetch_optional(self.pool).await?;
        let open = |(bytes, version)| {
            let sealed = Sealed::from_bytes(bytes).map_err(|error| StoreError::Other(error.to_string()))?;
            Ok((sealed, version))
        };
        row.map(open).transpose()
    }
}

impl Tx {
    /// Saves a new sync, with its destination of version 1.
    pub async fn insert_sync(
        &mut self,
        id: &str,
        connection: &str,
        it: &SyncValues,
        state: &str,
        destination: (&Sealed, &str),
    ) -> Result<(), StoreError> {
        query(INSERT_SYNC)
            .bind(id)
            .bind(&self.scope.workspace)
            .bind(connection)
            .bind(&it.name)
            .bind(destination.0.as_bytes())
            .bind(destination.1)
            .bind(&it.streams)
            .bind(&it.deleted)
            .bind(it.share)
            .bind(&it.schedule)
            .bind(&it.time_zone)
            .bind(state)
            .bind(it.next_run_at)
            .bind(self.scope.now)
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }

    /// Changes a sync. While it runs, the time of the next run stays: the end of the run settles it.
    pub async fn change_sync(&mut self, id: &str, it: &SyncValues) -> Result<(), StoreError> {
        query(CHANGE_SYNC)
            .bind(&self.scope.workspace)
            .bind(id)
            .bind(&it.name)
            .bind(&it.streams)
            .bind(&it.deleted)
            .bind(it.share)
            .bind(&it.schedule)
            .bind(&it.time_zone)
            .bind(it.next_run_at)
            .bind(self.scope.now)
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }

    /// Replaces the destination.
    pub async fn set_sync_destination(
        &mut self,
        id: &str,
        version: i64,
        sealed: &Sealed,
        shown: &str,
    ) -> Result<(), StoreError> {
        let query = query(SET_DESTINATION).bind(&self.scope.workspace).bind(id).bind(sealed.as_bytes());
        query.bind(version).bind(shown).execute(&mut *self.tx).await?;
        Ok(())
    }

    /// `active` or `paused`, and when it is due. While it runs, the end of the run settles the latter.
    pub async fn set_sync_state(
        &mut self,
        id: &str,
        state: &str,
        next_run_at: Option<i64>,
    ) -> Result<(), StoreError> {
        let query = query(SET_STATE).bind(&self.scope.workspace).bind(id).bind(state).bind(next_run_at);
        query.bind(self.scope.now).execute(&mut *self.tx).await?;
        Ok(())
    }

    /// Removes a sync with its history.
    pub async fn delete_sync(&mut self, id: &str) -> Result<(), StoreError> {
        self.remove([DELETE_RUNS, DELETE_SYNC], id).await
    }

    pub(crate) async fn destroy_syncs(&mut self, connection: &str) -> Result<(), StoreError> {
        self.remove([DESTROY_RUNS, DESTROY_SYNCS], connection).await
    }

    async fn remove(&mut self, statements: [&'static str; 2], id: &str) -> Result<(), StoreError> {
        for statement in statements {
            query(statement).bind(&self.scope.workspace).bind(id).execute(&mut *self.tx).await?;
        }
        Ok(())
    }
}
