//! The databases that records are written to. Everything but the fast way in is one SQL text for all.

mod lock;
#[cfg(feature = "parquet")]
mod mirror;
mod postgres;
mod sqlite;

use std::collections::{BTreeMap, BTreeSet};

use keyhaven_connectors::streams::Sql;

#[cfg(feature = "parquet")]
pub(crate) use mirror::Mirror;
pub(crate) use postgres::Postgres;
pub(crate) use sqlite::Sqlite;
#[cfg(feature = "parquet")]
pub(crate) use sqlite::failed as sqlite_failed;

use crate::{
    error::SyncError,
    names::quoted,
    page::{Cell, Column, DELETED_AT, Layout, Rows, SYNCED_AT},
};

/// What says of a table or view that it is ours. A copy that somebody makes of it has no such mark.
const MARK: &str = "Made by Keyhaven";

/// A result's row.
pub(crate) type Row = Vec<Cell<'static>>;

/// One database, spoken to from one thread.
pub(crate) trait Database: Send {
    /// How it writes types.
    fn type_name(&self, sql: Sql) -> &'static str;

    /// `$1` as a moment.
    fn moment(&self, parameter: &str) -> String;

    /// An expression: the names of the records whose ids stand in a JSON list, in its order, with commas. `key`: the
    /// type of their ids.
    fn names(&self, list: &str, of: &str, name: &str, key: Sql) -> String;

    /// Tables and views that are there, with their columns in order.
    fn objects(&mut self) -> Result<BTreeMap<String, Vec<String>>, SyncError>;

    /// Makes a table with these columns and constraints, marked as ours.
    fn make_table(&mut self, name: &str, parts: &str) -> Result<(), SyncError>;

    /// Tables and views that are marked so.
    fn marked(&mut self) -> Result<BTreeSet<String>, SyncError>;

    /// Makes a view, marked as ours.
    fn make_view(&mut self, name: &str, select: &str) -> Result<(), SyncError>;

    /// Is the view of this name the one that was made so, and nobody else's?
    fn has_view(&mut self, name: &str, select: &str) -> Result<bool, SyncError>;

    /// Runs a statement; tells how many rows it changed.
    fn execute(&mut self, sql: &str, values: &[Cell<'_>]) -> Result<u64, SyncError>;

    /// Asks. Texts and whole numbers only.
    fn query(&mut self, sql: &str, values: &[Cell<'_>]) -> Result<Vec<Row>, SyncError>;

    /// Writes rows, each key once; tells the keys of those that are new or differ from what was there. `first`: they are
    /// read for the first time, in the order of their keys, so that hardly any is there yet.
    fn load(&mut self, table: &Layout, rows: &Rows<'_>, first: bool)
    -> Result<Vec<Cell<'static>>, SyncError>;

    /// Begins a transaction, if there is none.
    fn begin(&mut self) -> Result<(), SyncError>;

    /// Ends the transaction, if there is one: all of it is kept.
    fn commit(&mut self) -> Result<(), SyncError>;

    /// Ends the transaction, if there is one: nothing of it is kept.
    fn rollback(&mut self);

    /// Lets go of the destination at once: the next run may begin.
    fn close(&mut self) {}
}

/// What follows `INSERT … VALUES …`: rows that are there are changed if they differ. A row that stays deleted keeps the
/// time at which that was found.
pub(crate) fn on_conflict(table: &Layout) -> String {
    let name = quoted(&table.table);
    let plain = |column: &&Column| ![DELETED_AT, SYNCED_AT].contains(&column.name.as_str());
    let all: Vec<String> = table.columns.iter().filter(plain).map(|column| quoted(&column.name)).collect();
    let set: Vec<String> = all.iter().map(|column| format!("{column} = excluded.{column}")).collect();
    let list =
        |from: &str| all.iter().map(|column| format!("{from}.{column}")).collect::<Vec<_>>().join(", ");
    let (deleted, synced) = (quoted(DELETED_AT), quoted(SYNCED_AT));
    format!(
        " ON CONFLICT ({key}) DO UPDATE SET {set}, {synced} = excluded.{synced}, {deleted} = CASE WHEN \
         excluded.{deleted} IS NULL THEN NULL ELSE COALESCE({name}.{deleted}, excluded.{deleted}) END \
         WHERE ({there}) IS DISTINCT FROM ({here}) OR ({name}.{deleted} IS NULL) <> (excluded.{deleted} IS NULL)",
        key = quoted(table.key_name()),
        set = set.join(", "),
        there = list(&name),
        here = list("excluded"),
    )
}

/// Makes the table, or adds the columns that it lacks.
pub(crate) fn ensure(
    db: &mut dyn Database,
    table: &Layout,
    there: Option<&[String]>,
) -> Result<bool, SyncError> {
    let name = quoted(&table.table);
    let typed = |column: &Column| format!("{} {}", quoted(&column.name), db.type_name(column.sql));
    let Some(there) = there else {
        let columns: Vec<String> = table.columns.iter().map(typed).collect();
        let key = quoted(table.key_name());
        db.make_table(&table.table, &format!("{}, PRIMARY KEY ({key})", columns.join(", ")))?;
        return Ok(true);
    };
    let missing: Vec<String> =
        table.columns.iter().filter(|column| !there.contains(&column.name)).map(typed).collect();
    for column in &missing {
        db.execute(&format!("ALTER TABLE {name} ADD COLUMN {column}"), &[])?;
    }
    Ok(!missing.is_empty())
}
