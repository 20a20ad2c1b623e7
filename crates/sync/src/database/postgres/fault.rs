//! What PostgreSQL refuses, and what to do about it.

use crate::error::SyncError;

const AGAIN: &str = "then run the sync again: it goes on where it was";

pub(super) fn failed(error: &sqlx::Error) -> SyncError {
    let code = error.as_database_error().and_then(|it| it.code()).unwrap_or_default().into_owned();
    let told = match error {
        sqlx::Error::Database(it) => it.message().to_owned(),
        // People need no number of the system's.
        sqlx::Error::Io(it) => it.to_string().split(" (os error").next().unwrap_or_default().to_lowercase(),
        other => other.to_string(),
    };
    let (what, remedy) = match code.as_str() {
        "28P01" | "28000" => {
            ("refuses the user or password", "Look at user and password in the address.".into())
        }
        "3D000" => ("has no such database", "Make the database, or name another one.".into()),
        "42501" => ("does not allow it", allow(&told)),
        // A schema that the user may not use is none for PostgreSQL.
        "3F000" => ("does not allow it", allow("schema")),
        "53100" | "53200" => ("has no room left", format!("Make room, {AGAIN}.")),
        "25006" => ("is read-only", format!("Name the primary server and not a copy, {AGAIN}.")),
        "55P03" | "57014" => ("is locked by another program", format!("End what locks it, {AGAIN}.")),
        "54000" if told.contains("row is too big") => (
            "holds no row with so many filled fields",
            format!("Empty some fields of that record in the app, or copy into SQLite; {AGAIN}."),
        ),
        "23514" | "23505" | "23503" | "23502" => (
            "refuses a row by a rule that somebody gave the table",
            format!("Drop or change that rule, {AGAIN}."),
        ),
        "42804" | "42883" | "42846" | "22P02" | "22003" | "22007" | "22008" => (
            "cannot take a value",
            format!("If somebody gave a column another type, drop the column, {AGAIN} and fills it anew."),
        ),
        code if code.starts_with("08") || code.starts_with("57P") || code.is_empty() => {
            ("cannot be reached", format!("Look whether the server runs and can be reached, {AGAIN}."))
        }
        _ => ("cannot do it", format!("Mend what it says, {AGAIN}.")),
    };
    SyncError::destination(format!("the PostgreSQL database {what}: {told}"), remedy)
}

/// The right that is missing.
fn allow(told: &str) -> String {
    let right = if told.contains("schema") {
        "to use the schema and to make tables in it (GRANT USAGE, CREATE ON SCHEMA … TO …)"
    } else if told.contains("database") {
        "to make a schema there (GRANT CREATE ON DATABASE … TO …), or make the schema for it"
    } else {
        "to everything in the schema: it has to own the tables that it made"
    };
    format!("Give the user the right {right}, {AGAIN}.")
}
