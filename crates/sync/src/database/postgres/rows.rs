//! Rows on their way into PostgreSQL.

use std::{borrow::Cow, io::Write as _};

use keyhaven_connectors::streams::Sql;
use sqlx::postgres::PgArguments;

use crate::page::{Cell, Layout, Rows};

pub(super) type Query<'q> = sqlx::query::Query<'q, sqlx::Postgres, PgArguments>;

/// One column of a page, as an array.
pub(super) fn array<'q>(query: Query<'q>, rows: &Rows<'_>, slot: usize, sql: Sql) -> Query<'q> {
    let cells = rows.iter().map(|row| &row[slot]);
    let flag = |cell: &Cell<'_>| if let Cell::Boolean(it) = cell { Some(*it) } else { None };
    match sql {
        Sql::Integer => query.bind(cells.map(Cell::integer).collect::<Vec<_>>()),
        Sql::Boolean => query.bind(cells.map(flag).collect::<Vec<_>>()),
        _ => query.bind(cells.map(written).collect::<Vec<_>>()),
    }
}

fn written<'a>(cell: &'a Cell<'_>) -> Option<Cow<'a, str>> {
    match cell {
        Cell::Null => None,
        Cell::Text(text) => Some(Cow::Borrowed(text)),
        other => Some(Cow::Owned(other.text())),
    }
}

/// A page as COPY reads it: a line for each row, tabs between the cells.
pub(super) fn lines(table: &Layout, rows: &Rows<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    for row in rows.iter() {
        for (slot, column) in table.columns.iter().enumerate() {
            if slot > 0 {
                out.push(b'\t');
            }
            line_cell(&mut out, column.sql, &row[slot]);
        }
        out.push(b'\n');
    }
    out
}

fn line_cell(out: &mut Vec<u8>, sql: Sql, cell: &Cell<'_>) {
    match (sql, cell) {
        (Sql::Integer, Cell::Integer(it)) => drop(write!(out, "{it}")),
        (Sql::Boolean, Cell::Boolean(it)) => out.push(if *it { b't' } else { b'f' }),
        (Sql::Integer | Sql::Boolean, _) | (_, Cell::Null) => out.extend_from_slice(b"\\N"),
        (_, Cell::Text(text)) => escape(out, text),
        (_, other) => escape(out, &other.text()),
    }
}

fn escape(out: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|byte| matches!(byte, b'\\' | b'\n' | b'\r' | b'\t')) {
        out.extend_from_slice(&rest[..at]);
        out.push(b'\\');
        out.push(match rest[at] {
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            other => other,
        });
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
}
