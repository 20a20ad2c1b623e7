//! Opening a database: pools, pragmas, migrations.

use std::{fmt, fs, os::unix::fs::OpenOptionsExt, sync::Arc, time::Duration};

use sqlx::{
    AnyConnection, AnyPool, AssertSqlSafe, Connection, Executor,
    any::{AnyPoolOptions, install_default_drivers},
    query, query_scalar,
};

use crate::{Store, StoreError, sql::declare};

/// In order; once published, a text never changes.
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_first.sql"),
    include_str!("../migrations/0002_tokens.sql"),
    include_str!("../migrations/0003_usage.sql"),
    include_str!("../migrations/0004_syncs.sql"),
    include_str!("../migrations/0005_budgets.sql"),
    include_str!("../migrations/0006_failing.sql"),
];

/// Each connection's settings. `FULL`: what was confirmed survives a power cut. `secure_delete`: what was
/// destroyed is overwritten. The cache is small: pages live in the system's cache anyway.
const PRAGMAS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;
    PRAGMA busy_timeout = 10000; PRAGMA cache_size = -512; PRAGMA temp_store = MEMORY;";

/// From this version on a write-ahead log cannot lose a write to a race (sqlite.org/releaselog/3_51_3.html).
const OLDEST_SQLITE: [u32; 3] = [3, 51, 3];

const READERS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 10;
const WAIT: Duration = Duration::from_secs(15);

declare! {
    SCHEMA = "SELECT max(version) FROM schema_versions";
    MIGRATED = "INSERT INTO schema_versions (version) VALUES ($1)";
    ENSURE_WORKSPACE = "INSERT INTO workspaces (id, name, created_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING";
    PING = "SELECT count(*) FROM workspaces";
}

/// What kind of database it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file.
    Sqlite,
    /// A server.
    Postgres,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}

impl Store {
    /// Opens `sqlite:PATH` or `postgres://…`; makes or updates the tables.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        install_default_drivers();
        let store = match url.strip_prefix("sqlite:") {
            Some(path) => open_sqlite(path.strip_prefix("//").unwrap_or(path)).await?,
            None if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                let pool = AnyPoolOptions::new().max_connections(POSTGRES_CONNECTIONS).acquire_timeout(WAIT);
                let pool = pool.connect(url).await?;
                Self { kind: Kind::Postgres, writer: pool.clone(), readers: pool, changes: Arc::default() }
            }
            None => return Err(StoreError::Url),
        };
        store.migrate().await?;
        Ok(store)
    }

    /// What kind it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Does it answer?
    pub async fn ping(&self) -> Result<(), StoreError> {
        let _: i64 = query_scalar(PING).fetch_one(&self.readers).await?;
        Ok(())
    }

    /// SQLite: folds the write-ahead log into the file and empties it, so that what was destroyed is gone from
    /// both. A reader that is still at work keeps it for a little longer.
    pub async fn checkpoint(&self) -> Result<(), StoreError> {
        if self.kind == Kind::Sqlite {
            self.writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").await?;
        }
        Ok(())
    }

    /// Finishes what was begun and closes.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// Makes the workspace, if it is not there.
    pub async fn ensure_workspace(&self, id: &str, name: &str, now: i64) -> Result<(), StoreError> {
        query(ENSURE_WORKSPACE).bind(id).bind(name).bind(now).execute(&self.writer).await?;
        Ok(())
    }

    async fn migrate(&self) -> Result<(), StoreError> {
        let known = MIGRATIONS.len() as i64;
        let mut connection = self.writer.acquire().await?;
        connection.execute("CREATE TABLE IF NOT EXISTS schema_versions (version BIGINT PRIMARY KEY)").await?;
        // Most starts find nothing to do, and take no lock.
        if schema(&mut connection).await? == known {
            return Ok(());
        }
        let mut tx = match self.kind {
            Kind::Sqlite => connection.begin_with("BEGIN IMMEDIATE").await?,
            Kind::Postgres => connection.begin().await?,
        };
        if self.kind == Kind::Postgres {
            tx.execute("LOCK TABLE schema_versions IN ACCESS EXCLUSIVE MODE").await?;
        }
        let found = schema(&mut tx).await?;
        if found > known {
            return Err(StoreError::TooNew { found, known });
        }
        for (version, text) in (1..).zip(MIGRATIONS).skip(found as usize) {
            let text: String = text.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
            for statement in text.split(';').filter(|statement| !statement.trim().is_empty()) {
                let statement = match self.kind {
                    Kind::Sqlite => statement.replace("BYTEA", "BLOB"),
                    Kind::Postgres => statement.to_owned(),
                };
                tx.execute(AssertSqlSafe(statement)).await?;
            }
            query(MIGRATED).bind(version as i64).execute(&mut *tx).await?;
        }
        Ok(tx.commit().await?)
    }
}

async fn schema(connection: &mut AnyConnection) -> Result<i64, StoreError> {
    let version: Option<i64> = query_scalar(SCHEMA).fetch_one(connection).await?;
    Ok(version.unwrap_or(0))
}

async fn open_sqlite(path: &str) -> Result<Store, StoreError> {
    create_private(path)?;
    let url = format!("sqlite://{}?mode=rw", encode(path));
    let options = |most| {
        AnyPoolOptions::new()
            .min_connections(1)
            .max_connections(most)
            .acquire_timeout(WAIT)
            .idle_timeout(None)
            .max_lifetime(None)
            .after_connect(|connection, _| {
                Box::pin(async move {
                    connection.execute(PRAGMAS).await?;
                    Ok(())
                })
            })
    };
    let writer = options(1).connect(&url).await?;
    check_version(&writer).await?;
    let readers = options(READERS).connect(&url).await?;
    Ok(Store { kind: Kind::Sqlite, readers, writer, changes: Arc::default() })
}

async fn check_version(pool: &AnyPool) -> Result<(), StoreError> {
    let version: String = query_scalar("SELECT sqlite_version()").fetch_one(pool).await?;
    let parts: Vec<u32> = version.split('.').filter_map(|part| part.parse().ok()).collect();
    if parts[..] < OLDEST_SQLITE[..] { Err(StoreError::OldSqlite(version)) } else { Ok(()) }
}

/// The file is made here with mode 0600; SQLite gives its log the same mode.
fn create_private(path: &str) -> Result<(), StoreError> {
    let made = fs::OpenOptions::new().append(true).create(true).mode(0o600).open(path);
    made.map(drop).map_err(|error| StoreError::Unavailable(format!("{path}: {error}")))
}

/// A path inside a URL.
fn encode(path: &str) -> String {
    path.replace('%', "%25").replace('?', "%3F").replace('#', "%23")
}
