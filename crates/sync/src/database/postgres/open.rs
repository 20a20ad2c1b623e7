//! A connection to a schema, for one sync alone.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgConnectOptions};
use tokio::time::timeout;

use super::{
    Postgres,
    fault::failed,
    line::{Line, silent},
};
use crate::{
    error::{Failure, SyncError},
    names::quoted,
};

const CONNECT_WITHIN: Duration = Duration::from_secs(15);
/// Another program may hold a table for so long.
const PATIENCE: Duration = Duration::from_secs(30);

impl Postgres {
    /// Connects, makes the schema if it is not there, and makes sure that no other sync writes into it.
    pub(crate) async fn open(options: PgConnectOptions, schema: &str) -> Result<Self, SyncError> {
        let open = async {
            let (mut connection, is_there) = Self::reach(options, schema).await?;
            if !is_there {
                tell(&mut connection, format!("CREATE SCHEMA {}", quoted(schema))).await?;
            }
            Self::ready(connection, schema).await
        };
        timeout(CONNECT_WITHIN, open).await.unwrap_or_else(|_| Err(silent()))
    }

    /// The same, where there is such a schema; makes none.
    pub(crate) async fn look(options: PgConnectOptions, schema: &str) -> Result<Option<Self>, SyncError> {
        let look = async {
            match Self::reach(options, schema).await? {
                (connection, true) => Self::ready(connection, schema).await.map(Some),
                _ => Ok(None),
            }
        };
        timeout(CONNECT_WITHIN, look).await.unwrap_or_else(|_| Err(silent()))
    }

    /// The server, and whether the schema is there.
    async fn reach(options: PgConnectOptions, schema: &str) -> Result<(PgConnection, bool), SyncError> {
        let mut connection = PgConnection::connect_with(&options).await.map_err(|error| failed(&error))?;
        let lock = "SELECT pg_try_advisory_lock(hashtextextended('keyhaven sync ' || $1, 0))";
        if !told(&mut connection, lock, schema).await? {
            let message = format!("another sync is writing to the schema {schema} now");
            return Err(SyncError::new(Failure::Busy, message, "Wait until it is done."));
        }
        let there = "SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1)";
        let is_there = told(&mut connection, there, schema).await?;
        Ok((connection, is_there))
    }

    async fn ready(mut connection: PgConnection, schema: &str) -> Result<Self, SyncError> {
        for statement in [
            format!("SET search_path TO {}", quoted(schema)),
            "SET TIME ZONE 'UTC'".into(),
            format!("SET lock_timeout TO '{}s'", PATIENCE.as_secs()),
            "SET client_min_messages TO warning".into(),
            // Rows are looked for by key. Of a table that was made just now the planner knows nothing, and would read
            // all of it instead.
            "SET enable_seqscan TO off".into(),
            // What is forbidden counts as so dear that each statement would be compiled first.
            "SET jit TO off".into(),
        ] {
            tell(&mut connection, statement).await?;
        }
        Ok(Self { line: Line::new(connection), in_transaction: false })
    }
}

async fn tell(connection: &mut PgConnection, statement: String) -> Result<(), SyncError> {
    let run = sqlx::query(AssertSqlSafe(statement)).execute(connection).await;
    run.map(drop).map_err(|error| failed(&error))
}

/// Is it so, of this schema?
async fn told(
    connection: &mut PgConnection,
    question: &'static str,
    schema: &str,
) -> Result<bool, SyncError> {
    sqlx::query_scalar(question).bind(schema).fetch_one(connection).await.map_err(|error| failed(&error))
}
