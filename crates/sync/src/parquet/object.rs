//! Which tables and views become files, and what each of them is made of.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rusqlite::{
    Connection,
    hooks::{AuthAction, AuthContext, Authorization},
};

use crate::{database::sqlite_failed, error::SyncError, names::quoted};

/// Raised when files are to be written in another way: all are written again.
const FORM: u32 = 1;

/// A table or view.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub name: String,
    /// Its definition, and how often the tables that it reads were changed.
    made_of: String,
    /// A file of it was written once.
    pub is_known: bool,
    /// That file is up to date.
    pub is_written: bool,
}

impl Object {
    pub(super) fn file_name(&self) -> String {
        format!("{}.parquet", self.name)
    }
}

pub(super) fn open(mirror: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(mirror)?;
    connection.busy_timeout(Duration::from_secs(30))?;
    connection.execute_batch("PRAGMA cache_size = -8192;")?;
    Ok(connection)
}

/// All of them: what Keyhaven made, and which column belongs to which field.
pub(super) fn all(mirror: &Path) -> Result<Vec<Object>, SyncError> {
    look(mirror).map_err(|error| sqlite_failed(mirror, &error))
}

fn look(mirror: &Path) -> rusqlite::Result<Vec<Object>> {
    let connection = open(mirror)?;
    let pairs = |sql: &str| -> rusqlite::Result<BTreeMap<String, String>> {
        let mut statement = connection.prepare(sql)?;
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
    };
    let revisions = pairs("SELECT name, CAST(revision AS TEXT) FROM keyhaven_revisions")?;
    let written = pairs("SELECT name, made_of FROM keyhaven_files")?;
    let objects = pairs(
        "SELECT name, sql FROM sqlite_schema WHERE name = 'keyhaven_fields' \
         OR name IN (SELECT name FROM keyhaven_objects)",
    )?;
    let mut all = Vec::new();
    for (name, sql) in objects {
        let mut made_of = format!("{FORM} {sql}");
        for table in reads(&connection, &name)? {
            made_of += &format!("\n{table} {}", revisions.get(&table).map_or("0", String::as_str));
        }
        let before = written.get(&name);
        let is_written = before == Some(&made_of);
        all.push(Object { is_known: before.is_some(), is_written, name, made_of });
    }
    Ok(all)
}

/// The tables that reading it looks at, as SQLite tells.
fn reads(connection: &Connection, name: &str) -> rusqlite::Result<BTreeSet<String>> {
    let tables: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let told = tables.clone();
    connection.authorizer(Some(move |asked: AuthContext<'_>| {
        if let AuthAction::Read { table_name, .. } = asked.action {
            told.lock().unwrap_or_else(PoisonError::into_inner).insert(table_name.to_owned());
        }
        Authorization::Allow
    }))?;
    let prepared = connection.prepare(&format!("SELECT * FROM {}", quoted(name))).map(drop);
    connection.authorizer(None::<fn(AuthContext<'_>) -> Authorization>)?;
    prepared?;
    let tables = tables.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok(tables)
}

/// Remembers that its file is up to date.
pub(super) fn note(mirror: &Path, object: &Object) -> Result<(), SyncError> {
    let note = || {
        open(mirror)?.execute(
            "INSERT INTO keyhaven_files (name, made_of) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET \
             made_of = excluded.made_of",
            [&object.name, &object.made_of],
        )
    };
    note().map(drop).map_err(|error| sqlite_failed(mirror, &error))
}
