//! SQLite: one file.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    time::Duration,
};

use keyhaven_connectors::streams::Sql;
use rusqlite::{
    Connection, ErrorCode, ToSql, ffi,
    types::{ToSqlOutput, Value, ValueRef},
};

use super::{Database, MARK, Row, lock::Lock, on_conflict};
use crate::{
    error::SyncError,
    names::quoted,
    page::{Cell, Layout, Rows},
};

/// Another program may be reading or writing for so long.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Sqlite {
    path: PathBuf,
    connection: Connection,
    _lock: Lock,
}

impl Sqlite {
    pub(crate) fn open(path: &Path) -> Result<Self, SyncError> {
        let folder = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !folder.is_dir() {
            let message = format!("the folder {} is not there", folder.display());
            return Err(SyncError::destination(message, "Make the folder, or name another place."));
        }
        if path.is_dir() {
            let message = format!("{} is a folder", path.display());
            return Err(SyncError::destination(message, "Name a file, such as crm.db."));
        }
        let lock = Lock::of(path)?;
        let open = || {
            let connection = Connection::open(path)?;
            connection.busy_timeout(PATIENCE)?;
            connection.execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -8192; \
                 PRAGMA temp_store = FILE; PRAGMA wal_autocheckpoint = 4000;",
            )?;
            connection.set_prepared_statement_cache_capacity(64);
            Ok(connection)
        };
        let connection = open().map_err(|error| failed(path, &error))?;
        Ok(Self { path: path.to_owned(), connection, _lock: lock })
    }

    /// Is told the table of each row that is written or removed.
    #[cfg(feature = "parquet")]
    pub(super) fn on_change(&self, tell: impl Fn(&str) + Send + 'static) -> Result<(), SyncError> {
        let hook = move |_, _: &str, table: &str, _| tell(table);
        self.connection.update_hook(Some(hook)).map_err(|error| self.failed(&error))
    }

    #[cfg(feature = "parquet")]
    pub(super) fn is_in_transaction(&self) -> bool {
        !self.connection.is_autocommit()
    }

    fn failed(&self, error: &rusqlite::Error) -> SyncError {
        failed(&self.path, error)
    }
}

pub(crate) fn failed(path: &Path, error: &rusqlite::Error) -> SyncError {
    let (message, remedy) = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => ("the disk is full", "Make room, then run the sync again: it goes on."),
        Some(ErrorCode::ReadOnly) | Some(ErrorCode::PermissionDenied) => (
            "it is read-only",
            "Give this user the right to write the file and its folder, then run the sync again: it goes on.",
        ),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            ("another program holds it locked", "Close that program, then run the sync again: it goes on.")
        }
        Some(ErrorCode::NotADatabase) => {
            ("it is no SQLite database", "Name another file; this one was left as it is.")
        }
        Some(ErrorCode::CannotOpen) => {
            ("it cannot be opened", "Look whether its folder is there and can be written.")
        }
        Some(ErrorCode::DatabaseCorrupt) => {
            ("it is damaged", "Restore it from a backup, or name another file.")
        }
        // The index of the log did not get the room that it asked for.
        Some(ErrorCode::SystemIoFailure)
            if error.sqlite_error().is_some_and(|it| it.extended_code == ffi::SQLITE_IOERR_SHMSIZE) =>
        {
            ("the disk is full", "Make room, then run the sync again: it goes on.")
        }
        Some(ErrorCode::SystemIoFailure) => {
            ("the disk does not work as it should", "Look at the disk, then run the sync again: it goes on.")
        }
        _ => {
            let message = format!("{} cannot be used: {error}", path.display());
            return SyncError::destination(message, "Name another file if this one is not made by Keyhaven.");
        }
    };
    SyncError::destination(format!("{} cannot be used: {message}", path.display()), remedy)
}

fn view(name: &str, select: &str) -> String {
    format!("CREATE VIEW {} AS /* {MARK} */ {select}", quoted(name))
}

struct Bound<'a>(&'a Cell<'a>);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.0 {
            Cell::Null => ToSqlOutput::Owned(Value::Null),
            Cell::Integer(it) => ToSqlOutput::Owned(Value::Integer(*it)),
            Cell::Number(it) => ToSqlOutput::Owned(Value::Real(*it)),
            Cell::Boolean(it) => ToSqlOutput::Owned(Value::Integer((*it).into())),
            Cell::Text(it) => ToSqlOutput::Borrowed(ValueRef::Text(it.as_bytes())),
        })
    }
}

fn bound<'a>(values: &'a [Cell<'a>]) -> impl Iterator<Item = Bound<'a>> {
    values.iter().map(Bound)
}

fn cell(value: ValueRef<'_>) -> Cell<'static> {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(it) => Cell::Integer(it),
        ValueRef::Real(it) => Cell::Number(it),
        ValueRef::Text(it) | ValueRef::Blob(it) => Cell::from(String::from_utf8_lossy(it).into_owned()),
    }
}

impl Database for Sqlite {
    fn type_name(&self, sql: Sql) -> &'static str {
        match sql {
            Sql::Text | Sql::Json => "TEXT",
            Sql::Integer => "INTEGER",
            Sql::Number => "REAL",
            Sql::Boolean => "BOOLEAN",
            Sql::Timestamp => "TIMESTAMP",
            Sql::Date => "DATE",
            Sql::Time => "TIME",
        }
    }

    fn moment(&self, parameter: &str) -> String {
        parameter.to_owned()
    }

    // The order stands in a query of its own: an aggregate takes one only since 3.44, and people read the view with
    // programs of their own.
    fn names(&self, list: &str, of: &str, name: &str, _: Sql) -> String {
        format!(
            "(SELECT group_concat(n, ', ') FROM (SELECT o.{name} AS n FROM json_each({list}) e JOIN {of} o ON o.id = e.value \
             ORDER BY e.key))"
        )
    }

    fn objects(&mut self) -> Result<BTreeMap<String, Vec<String>>, SyncError> {
        let names = "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY name";
        let names = self.query(names, &[])?.into_iter().map(|row| row[0].text());
        let columns = "SELECT name FROM pragma_table_info($1) ORDER BY cid";
        // A view whose table is gone has none that can be told.
        let with_columns = names.map(|name| {
            let rows = self.query(columns, &[name.as_str().into()]).unwrap_or_default();
            (name, rows.iter().map(|row| row[0].text()).collect())
        });
        Ok(with_columns.collect())
    }

    fn make_table(&mut self, name: &str, parts: &str) -> Result<(), SyncError> {
        self.execute(&format!("CREATE TABLE {} (/* {MARK} */ {parts})", quoted(name)), &[]).map(drop)
    }

    // What was made is kept as it was written, with its comments.
    fn marked(&mut self) -> Result<BTreeSet<String>, SyncError> {
        let rows = self.query("SELECT name FROM sqlite_schema WHERE instr(sql, $1) > 0", &[MARK.into()])?;
        Ok(rows.into_iter().map(|row| row[0].text()).collect())
    }

    fn make_view(&mut self, name: &str, select: &str) -> Result<(), SyncError> {
        self.execute(&view(name, select), &[]).map(drop)
    }

    fn has_view(&mut self, name: &str, select: &str) -> Result<bool, SyncError> {
        let rows =
            self.query("SELECT sql FROM sqlite_schema WHERE type = 'view' AND name = $1", &[name.into()])?;
        Ok(rows.iter().any(|row| row[0].text() == view(name, select)))
    }

    fn execute(&mut self, sql: &str, values: &[Cell<'_>]) -> Result<u64, SyncError> {
        let run = || {
            let mut statement = self.connection.prepare(sql)?;
            statement.execute(rusqlite::params_from_iter(bound(values)))
        };
        run().map(|changed| changed as u64).map_err(|error| self.failed(&error))
    }

    fn query(&mut self, sql: &str, values: &[Cell<'_>]) -> Result<Vec<Row>, SyncError> {
        let run = || {
            let mut statement = self.connection.prepare(sql)?;
            let width = statement.column_count();
            let mut rows = statement.query(rusqlite::params_from_iter(bound(values)))?;
            let mut all = Vec::new();
            while let Some(row) = rows.next()? {
                let cells = (0..width).map(|n| row.get_ref(n).map(cell));
                all.push(cells.collect::<Result<Row, _>>()?);
            }
            Ok(all)
        };
        run().map_err(|error: rusqlite::Error| self.failed(&error))
    }

    fn load(
        &mut self,
        table: &Layout,
        rows: &Rows<'_>,
        _first: bool,
    ) -> Result<Vec<Cell<'static>>, SyncError> {
        let columns: Vec<String> = table.columns.iter().map(|column| quoted(&column.name)).collect();
        let marks = vec!["?"; columns.len()].join(", ");
        let sql = format!(
            "INSERT INTO {} ({}) VALUES ({marks}){}",
            quoted(&table.table),
            columns.join(", "),
            on_conflict(table)
        );
        let run = || {
            let mut statement = self.connection.prepare_cached(&sql)?;
            let mut changed = Vec::new();
            for row in rows.iter() {
                if statement.execute(rusqlite::params_from_iter(bound(row)))? > 0 {
                    changed.push(row[table.key].clone().owned());
                }
            }
            Ok(changed)
        };
        run().map_err(|error| self.failed(&error))
    }

    fn begin(&mut self) -> Result<(), SyncError> {
        if !self.connection.is_autocommit() {
            return Ok(());
        }
        self.connection.execute_batch("BEGIN IMMEDIATE").map_err(|error| self.failed(&error))
    }

    fn commit(&mut self) -> Result<(), SyncError> {
        if self.connection.is_autocommit() {
            return Ok(());
        }
        self.connection.execute_batch("COMMIT").map_err(|error| self.failed(&error))
    }

    fn rollback(&mut self) {
        // A full disk has ended the transaction already.
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::debug!(%error, "a transaction could not be undone");
        }
    }
}
