//! A SQLite database that remembers which of its tables were changed: what Parquet files are made from.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use keyhaven_connectors::streams::Sql;

use super::{Database, Row, Sqlite};
use crate::{
    error::SyncError,
    page::{Cell, Layout, Rows},
};

/// How often each table was changed, and what each file was made of.
const TABLES: [&str; 2] = [
    "CREATE TABLE IF NOT EXISTS keyhaven_revisions (name TEXT PRIMARY KEY, revision INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS keyhaven_files (name TEXT PRIMARY KEY, made_of TEXT NOT NULL)",
];

const CHANGED: &str = "INSERT INTO keyhaven_revisions (name, revision) VALUES ($1, 1) ON CONFLICT (name) DO UPDATE SET \
                       revision = revision + 1";

pub(crate) struct Mirror {
    sqlite: Sqlite,
    /// Tables that this transaction has changed.
    changed: Arc<Mutex<BTreeSet<String>>>,
}

impl Mirror {
    pub(crate) fn open(path: &Path) -> Result<Self, SyncError> {
        let mut sqlite = Sqlite::open(path)?;
        for table in TABLES {
            sqlite.execute(table, &[])?;
        }
        let changed: Arc<Mutex<BTreeSet<String>>> = Arc::default();
        let noted = changed.clone();
        sqlite.on_change(move |table| {
            let mut noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
            if !noted.contains(table) {
                noted.insert(table.to_owned());
            }
        })?;
        Ok(Self { sqlite, changed })
    }

    fn take(&self) -> BTreeSet<String> {
        mem::take(&mut *self.changed.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Database for Mirror {
    fn type_name(&self, sql: Sql) -> &'static str {
        self.sqlite.type_name(sql)
    }

    fn moment(&self, parameter: &str) -> String {
        self.sqlite.moment(parameter)
    }

    fn names(&self, list: &str, of: &str, name: &str, key: Sql) -> String {
        self.sqlite.names(list, of, name, key)
    }

    fn objects(&mut self) -> Result<BTreeMap<String, Vec<String>>, SyncError> {
        self.sqlite.objects()
    }

    fn make_table(&mut self, name: &str, parts: &str) -> Result<(), SyncError> {
        self.sqlite.make_table(name, parts)
    }

    fn marked(&mut self) -> Result<BTreeSet<String>, SyncError> {
        self.sqlite.marked()
    }

    fn make_view(&mut self, name: &str, select: &str) -> Result<(), SyncError> {
        self.sqlite.make_view(name, select)
    }

    fn has_view(&mut self, name: &str, select: &str) -> Result<bool, SyncError> {
        self.sqlite.has_view(name, select)
    }

    fn execute(&mut self, sql: &str, values: &[Cell<'_>]) -> Result<u64, SyncError> {
        if self.sqlite.is_in_transaction() {
            return self.sqlite.execute(sql, values);
        }
        self.begin()?;
        let done = self.sqlite.execute(sql, values).and_then(|changed| self.commit().map(|()| changed));
        if done.is_err() {
            self.rollback();
        }
        done
    }

    fn query(&mut self, sql: &str, values: &[Cell<'_>]) -> Result<Vec<Row>, SyncError> {
        self.sqlite.query(sql, values)
    }

    fn load(
        &mut self,
        table: &Layout,
        rows: &Rows<'_>,
        first: bool,
    ) -> Result<Vec<Cell<'static>>, SyncError> {
        self.sqlite.load(table, rows, first)
    }

    fn begin(&mut self) -> Result<(), SyncError> {
        self.sqlite.begin()
    }

    /// The note of what changed is kept with the change.
    fn commit(&mut self) -> Result<(), SyncError> {
        for table in self.take() {
            self.sqlite.execute(CHANGED, &[table.into()])?;
        }
        self.take();
        self.sqlite.commit()
    }

    fn rollback(&mut self) {
        self.sqlite.rollback();
        self.take();
    }
}
