//! PostgreSQL: a schema of its own.

mod fault;
mod line;
mod open;
mod rows;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use keyhaven_connectors::streams::Sql;
use sqlx::{AssertSqlSafe, Column as _, Row as _, TypeInfo, ValueRef, postgres::PgRow};

use super::{Database, MARK, Row, on_conflict};
use crate::{
    error::SyncError,
    names::quoted,
    page::{Cell, Layout, Rows},
};
use fault::failed;
use line::Line;
use rows::Query;

const NAMESPACE: &str = "(SELECT oid FROM pg_namespace WHERE nspname = current_schema())";

pub(crate) struct Postgres {
    line: Line,
    in_transaction: bool,
}

impl Postgres {
    fn run(&mut self, sql: impl Into<String>) -> Result<u64, SyncError> {
        let query = sqlx::raw_sql(AssertSqlSafe(sql.into()));
        self.line.ask(async |line| query.execute(line).await).map(|done| done.rows_affected())
    }

    fn rows(&mut self, query: Query<'_>) -> Result<Vec<Row>, SyncError> {
        let rows = self.line.ask(async |line| query.fetch_all(line).await)?;
        let cell = |row: &PgRow, n: usize| -> Result<Cell<'static>, sqlx::Error> {
            if row.try_get_raw(n)?.is_null() {
                return Ok(Cell::Null);
            }
            Ok(match row.column(n).type_info().name() {
                "INT8" => Cell::Integer(row.try_get(n)?),
                "INT4" => Cell::Integer(row.try_get::<i32, _>(n)?.into()),
                "BOOL" => Cell::Boolean(row.try_get(n)?),
                _ => Cell::from(row.try_get::<String, _>(n)?),
            })
        };
        let all = rows.iter().map(|row| (0..row.len()).map(|n| cell(row, n)).collect::<Result<Row, _>>());
        all.collect::<Result<_, _>>().map_err(|error| failed(&error))
    }

    /// How a view would be marked that is made as this one is, and how it is.
    fn view_marks(&mut self, name: &str) -> Result<Option<[String; 2]>, SyncError> {
        let sql = format!(
            "SELECT '{MARK} ' || md5(pg_get_viewdef(c.oid)), obj_description(c.oid, 'pg_class') FROM pg_class c \
             WHERE c.relname = $1 AND c.relkind = 'v' AND c.relnamespace = {NAMESPACE}"
        );
        let rows = self.query(&sql, &[name.into()])?;
        Ok(rows.first().map(|row| [row[0].text(), row[1].text()]))
    }

    /// None of these keys is there. Another stream may fill the table too.
    fn are_new(&mut self, table: &Layout, rows: &Rows<'_>) -> Result<bool, SyncError> {
        let keys: HashSet<i64> = rows.iter().filter_map(|row| row[table.key].integer()).collect();
        let (Some(from), Some(to)) = (keys.iter().min(), keys.iter().max()) else { return Ok(false) };
        let (name, key) = (quoted(&table.table), quoted(table.key_name()));
        let sql = format!("SELECT {key} FROM {name} WHERE {key} BETWEEN $1 AND $2");
        let there = self.query(&sql, &[Cell::Integer(*from), Cell::Integer(*to)])?;
        Ok(!there.iter().filter_map(|row| row[0].integer()).any(|key| keys.contains(&key)))
    }
}

macro_rules! bind {
    ($query:expr, $values:expr) => {{
        let mut query = $query;
        for value in $values {
            query = match value {
                Cell::Null => query.bind(None::<String>),
                Cell::Integer(it) => query.bind(*it),
                Cell::Number(it) => query.bind(*it),
                Cell::Boolean(it) => query.bind(*it),
                // PostgreSQL holds no NUL in a text.
                Cell::Text(it) => query.bind(it.replace('\0', "")),
            };
        }
        query
    }};
}

impl Database for Postgres {
    fn type_name(&self, sql: Sql) -> &'static str {
        match sql {
            Sql::Text => "text",
            Sql::Json => "jsonb",
            Sql::Integer => "bigint",
            Sql::Number => "numeric",
            Sql::Boolean => "boolean",
            Sql::Timestamp => "timestamptz",
            Sql::Date => "date",
            Sql::Time => "time",
        }
    }

    fn moment(&self, parameter: &str) -> String {
        format!("CAST({parameter} AS timestamptz)")
    }

    fn names(&self, list: &str, of: &str, name: &str, key: Sql) -> String {
        let id = match key {
            Sql::Integer => "CASE WHEN e.value ~ '^[0-9]{1,18}$' THEN CAST(e.value AS bigint) END",
            _ => "e.value",
        };
        format!(
            "(SELECT string_agg(o.{name}, ', ' ORDER BY e.n) FROM jsonb_array_elements_text(CASE WHEN jsonb_typeof({list}) = \
             'array' THEN {list} END) WITH ORDINALITY e(value, n) JOIN {of} o ON o.id = {id})"
        )
    }

    fn objects(&mut self) -> Result<BTreeMap<String, Vec<String>>, SyncError> {
        let sql = format!(
            "SELECT CAST(c.relname AS text), CAST(a.attname AS text) FROM pg_class c \
             JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
             WHERE c.relnamespace = {NAMESPACE} AND c.relkind IN ('r', 'p', 'v', 'm', 'f') \
             ORDER BY c.relname, a.attnum"
        );
        let rows = self.query(&sql, &[])?;
        let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for row in rows {
            all.entry(row[0].text()).or_default().push(row[1].text());
        }
        Ok(all)
    }

    fn make_table(&mut self, name: &str, parts: &str) -> Result<(), SyncError> {
        let name = quoted(name);
        self.execute(&format!("CREATE TABLE {name} ({parts})"), &[])?;
        self.execute(&format!("COMMENT ON TABLE {name} IS '{MARK}'"), &[]).map(drop)
    }

    fn marked(&mut self) -> Result<BTreeSet<String>, SyncError> {
        let sql = format!(
            "SELECT CAST(c.relname AS text) FROM pg_class c WHERE c.relnamespace = {NAMESPACE} \
             AND starts_with(obj_description(c.oid, 'pg_class'), $1)"
        );
        let rows = self.query(&sql, &[MARK.into()])?;
        Ok(rows.into_iter().map(|row| row[0].text()).collect())
    }

    // The comment stays when a view is replaced; the digest in it tells that it was.
    fn make_view(&mut self, name: &str, select: &str) -> Result<(), SyncError> {
        self.execute(&format!("CREATE VIEW {} AS {select}", quoted(name)), &[])?;
        let Some([mark, _]) = self.view_marks(name)? else { return Ok(()) };
        self.execute(&format!("COMMENT ON VIEW {} IS '{mark}'", quoted(name)), &[]).map(drop)
    }

    fn has_view(&mut self, name: &str, _: &str) -> Result<bool, SyncError> {
        Ok(self.view_marks(name)?.is_some_and(|[mark, there]| mark == there))
    }

    fn execute(&mut self, sql: &str, values: &[Cell<'_>]) -> Result<u64, SyncError> {
        if values.is_empty() {
            return self.run(sql);
        }
        let query = bind!(sqlx::query(AssertSqlSafe(sql.to_owned())), values);
        self.line.ask(async |line| query.execute(line).await).map(|done| done.rows_affected())
    }

    fn query(&mut self, sql: &str, values: &[Cell<'_>]) -> Result<Vec<Row>, SyncError> {
        self.rows(bind!(sqlx::query(AssertSqlSafe(sql.to_owned())), values))
    }

    fn load(
        &mut self,
        table: &Layout,
        rows: &Rows<'_>,
        first: bool,
    ) -> Result<Vec<Cell<'static>>, SyncError> {
        if rows.len() == 0 {
            return Ok(Vec::new());
        }
        let columns: Vec<String> = table.columns.iter().map(|column| quoted(&column.name)).collect();
        let (name, columns) = (quoted(&table.table), columns.join(", "));
        if first && self.are_new(table, rows)? {
            self.line.copy(format!("COPY {name} ({columns}) FROM STDIN"), rows::lines(table, rows))?;
            return Ok(rows.iter().map(|row| row[table.key].clone().owned()).collect());
        }
        let types = table.columns.iter().map(|column| self.type_name(column.sql)).enumerate();
        let arrays: Vec<String> = types.map(|(n, name)| format!("CAST(${} AS {name}[])", n + 1)).collect();
        let sql = format!(
            "INSERT INTO {name} ({columns}) SELECT * FROM unnest({}){} RETURNING {name}.{}",
            arrays.join(", "),
            on_conflict(table),
            quoted(table.key_name())
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for (slot, column) in table.columns.iter().enumerate() {
            query = rows::array(query, rows, slot, column.sql);
        }
        let changed = self.rows(query)?;
        Ok(changed.into_iter().filter_map(|row| row.into_iter().next()).collect())
    }

    fn begin(&mut self) -> Result<(), SyncError> {
        if !self.in_transaction {
            self.run("BEGIN")?;
            self.in_transaction = true;
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), SyncError> {
        if self.in_transaction {
            self.run("COMMIT")?;
            self.in_transaction = false;
        }
        Ok(())
    }

    fn rollback(&mut self) {
        // Rows that did not arrive are not kept either.
        let _ = self.line.settle();
        if self.in_transaction
            && let Err(error) = self.run("ROLLBACK")
        {
            tracing::debug!(%error, "a transaction could not be undone");
        }
        self.in_transaction = false;
    }

    /// The server notices a connection that is gone only some time later.
    fn close(&mut self) {
        if let Err(error) = self.run("SELECT pg_advisory_unlock_all()") {
            tracing::debug!(%error, "a schema could not be let go of");
        }
    }
}
