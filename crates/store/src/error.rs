//! Database errors by kind.

use sqlx::error::ErrorKind;

/// What went wrong in the database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It does not answer, is locked or is out of room: later it may work.
    #[error("the database does not answer: {0}")]
    Unavailable(String),
    /// Another row has this unique value already.
    #[error("there is such a row already")]
    Conflict,
    /// A newer Keyhaven has changed the tables.
    #[error(
        "the database was changed by a newer version of Keyhaven (schema {found}, this one knows {known}); start that version"
    )]
    TooNew {
        /// The schema of the database.
        found: i64,
        /// The newest schema that is known.
        known: i64,
    },
    /// The database library has a known fault.
    #[error("SQLite {0} is too old: Keyhaven needs 3.51.3 or newer, which does not lose writes of its log")]
    OldSqlite(String),
    /// The URL is of no known kind.
    #[error("the database URL must begin with sqlite: or postgres://")]
    Url,
    /// A bug, or a damaged database.
    #[error("the database refused a statement: {0}")]
    Other(String),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(inner) if inner.kind() == ErrorKind::UniqueViolation => Self::Conflict,
            sqlx::Error::Database(inner) if is_passing(inner.code().as_deref()) => {
                Self::Unavailable(error.to_string())
            }
            // A connection that is cut while it is made is told as one that breaks the protocol.
            sqlx::Error::Io(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed => Self::Unavailable(error.to_string()),
            _ => Self::Other(error.to_string()),
        }
    }
}

/// SQLite: busy, locked, I/O, full. PostgreSQL: connection, resources, shutting down, serialisation.
fn is_passing(code: Option<&str>) -> bool {
    let Some(code) = code else { return false };
    match code.parse::<i64>() {
        Ok(number) if code.len() < 5 => matches!(number & 0xff, 5 | 6 | 10 | 13 | 14),
        _ => ["08", "53", "57", "40"].iter().any(|class| code.starts_with(class)),
    }
}
