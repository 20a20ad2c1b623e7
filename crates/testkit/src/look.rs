//! What stands in a database, whoever wrote it.

use std::{path::PathBuf, sync::mpsc, thread, time::Duration};

use rusqlite::{Connection, types::ValueRef};
use serde_json::{Map, Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

/// A row, by columns.
pub type Record = Map<String, Value>;

/// A way into a database for looking and meddling.
pub enum Look {
    /// A file.
    Sqlite(PathBuf),
    /// A database, and the schema to look into.
    Postgres(String, String),
}

impl Look {
    /// All rows of a table, or of what a query gives. SQLite's booleans are numbers, its times texts.
    pub async fn rows(&self, from: &str) -> Vec<Record> {
        match self {
            Self::Sqlite(path) => {
                let connection = open(path);
                let mut statement = connection.prepare(&format!("SELECT * FROM {from}")).expect("a query");
                let names: Vec<String> = statement.column_names().iter().map(ToString::to_string).collect();
                let rows = statement.query_map([], |row| {
                    let cell = |(n, name): (usize, &String)| Ok((name.clone(), value(row.get_ref(n)?)));
                    names.iter().enumerate().map(cell).collect::<Result<Record, _>>()
                });
                rows.and_then(Iterator::collect).expect("rows")
            }
            Self::Postgres(..) => {
                let mut connection = self.connect().await;
                let sql =
                    AssertSqlSafe(format!("SELECT CAST(to_jsonb(t) AS text) FROM (SELECT * FROM {from}) t"));
                let all: Vec<String> =
                    sqlx::query_scalar(sql).fetch_all(&mut connection).await.expect("rows");
                all.iter().map(|text| serde_json::from_str(text).expect("an object")).collect()
            }
        }
    }

    /// Tables and views.
    pub async fn objects(&self) -> Vec<String> {
        let from = match self {
            Self::Sqlite(_) => "(SELECT name FROM sqlite_schema WHERE type IN ('table', 'view'))".to_owned(),
            Self::Postgres(_, schema) => {
                let names = "SELECT CAST(relname AS text) AS name FROM pg_class WHERE relkind IN ('r', 'v')";
                format!("({names} AND CAST(CAST(relnamespace AS regnamespace) AS text) = '{schema}') o")
            }
        };
        let rows = self.rows(&from).await;
        rows.iter().filter_map(|row| row["name"].as_str().map(str::to_owned)).collect()
    }

    /// Statements, one after the other.
    pub async fn execute(&self, sql: &str) {
        match self {
            Self::Sqlite(path) => open(path).execute_batch(sql).expect("statements"),
            Self::Postgres(..) => {
                let mut connection = self.connect().await;
                let all = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
                all.execute(&mut connection).await.expect("statements");
            }
        }
    }

    /// Makes the schema, where there is such a thing.
    pub async fn prepare(&self) {
        if let Self::Postgres(_, schema) = self {
            self.execute(&format!("CREATE SCHEMA \"{schema}\"")).await;
        }
    }

    /// Holds a file locked for a time, as a program that writes does.
    pub fn hold(self, time: Duration) -> thread::JoinHandle<()> {
        let Self::Sqlite(path) = self else { panic!("no file") };
        let (held, is_held) = mpsc::channel();
        let holder = thread::spawn(move || {
            let connection = open(&path);
            connection.execute_batch("BEGIN IMMEDIATE").expect("a lock");
            held.send(()).expect("somebody who waits");
            thread::sleep(time);
        });
        is_held.recv().expect("a lock");
        holder
    }

    async fn connect(&self) -> PgConnection {
        let Self::Postgres(url, schema) = self else { panic!("no PostgreSQL") };
        let mut connection = PgConnection::connect(url).await.expect("a connection");
        let path = AssertSqlSafe(format!("SET search_path TO \"{schema}\"; SET TIME ZONE 'UTC'"));
        sqlx::raw_sql(path).execute(&mut connection).await.expect("a schema");
        connection
    }
}

fn open(path: &PathBuf) -> Connection {
    let connection = Connection::open(path).expect("a database");
    connection.busy_timeout(Duration::from_secs(10)).expect("a time limit");
    connection
}

fn value(cell: ValueRef<'_>) -> Value {
    match cell {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(it) => json!(it),
        ValueRef::Real(it) => json!(it),
        ValueRef::Text(it) | ValueRef::Blob(it) => String::from_utf8_lossy(it).into(),
    }
}
