//! What a sync remembers, in tables beside the records: how far each stream is, which column belongs to which field,
//! what did not fit, and how each run went.

use std::collections::{BTreeMap, HashMap};

use crate::{
    database::Database,
    error::SyncError,
    fields::{Definition, Mapped},
    names::quoted,
    page::Cell,
};

/// The tables, by name.
pub(crate) const TABLES: &[(&str, &str)] = &[
    ("keyhaven_sync", "name TEXT PRIMARY KEY, value TEXT"),
    ("keyhaven_objects", "name TEXT PRIMARY KEY, kind TEXT NOT NULL"),
    (
        "keyhaven_streams",
        "stream TEXT PRIMARY KEY, watermark TEXT, whole_cursor TEXT, whole_after TEXT, whole_began TEXT, \
         whole_finished TEXT, whole_requests BIGINT NOT NULL, whole_digest TEXT, note TEXT",
    ),
    (
        "keyhaven_fields",
        "table_name TEXT NOT NULL, column_name TEXT NOT NULL, field_name TEXT NOT NULL, field_type TEXT NOT NULL, \
         field_code TEXT NOT NULL, columns TEXT NOT NULL, dropped_at TEXT, PRIMARY KEY (table_name, column_name)",
    ),
    (
        "keyhaven_options",
        "table_name TEXT NOT NULL, field_code TEXT NOT NULL, option_id TEXT NOT NULL, label TEXT NOT NULL, \
         PRIMARY KEY (table_name, field_code, option_id)",
    ),
    ("keyhaven_todo", "stream TEXT NOT NULL, parent BIGINT NOT NULL, PRIMARY KEY (stream, parent)"),
    (
        "keyhaven_misfits",
        "table_name TEXT NOT NULL, record TEXT NOT NULL, column_name TEXT NOT NULL, value TEXT NOT NULL, \
         found_at TEXT NOT NULL, PRIMARY KEY (table_name, record, column_name)",
    ),
    (
        "keyhaven_runs",
        "began TEXT PRIMARY KEY, finished TEXT, outcome TEXT NOT NULL, message TEXT NOT NULL, requests BIGINT NOT NULL, \
         cost BIGINT NOT NULL, rows_read BIGINT NOT NULL, rows_written BIGINT NOT NULL, rows_deleted BIGINT NOT NULL, \
         streams TEXT NOT NULL",
    ),
];

/// How far a stream is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StreamState {
    /// Changes up to here are known: the app's time of the last one.
    pub watermark: Option<String>,
    /// Where the whole list goes on, while it is read.
    pub cursor: Option<String>,
    /// The last key of the whole list that was read, while it is, and where keys are ordered.
    pub after: Option<i64>,
    /// When reading the whole list began, by the app's clock.
    pub began: Option<String>,
    /// When the whole list was last read to its end.
    pub finished: Option<String>,
    /// Requests that the whole list took.
    pub requests: u64,
    /// Of a whole list that fits on one page: what it looked like.
    pub digest: Option<String>,
}

fn text(value: Option<&String>) -> Cell<'_> {
    value.map_or(Cell::Null, |it| it.as_str().into())
}

fn maybe(cell: &Cell<'_>) -> Option<String> {
    (*cell != Cell::Null).then(|| cell.text())
}

pub(crate) fn streams(db: &mut dyn Database) -> Result<HashMap<String, StreamState>, SyncError> {
    let rows = db.query(
        "SELECT stream, watermark, whole_cursor, whole_after, whole_began, whole_finished, whole_requests, \
         whole_digest FROM keyhaven_streams",
        &[],
    )?;
    let state = |row: &[Cell<'_>]| StreamState {
        watermark: maybe(&row[1]),
        cursor: maybe(&row[2]),
        after: row[3].text().parse().ok(),
        began: maybe(&row[4]),
        finished: maybe(&row[5]),
        requests: row[6].integer().and_then(|it| it.try_into().ok()).unwrap_or_default(),
        digest: maybe(&row[7]),
    };
    Ok(rows.iter().map(|row| (row[0].text(), state(row))).collect())
}

pub(crate) fn save_stream(db: &mut dyn Database, name: &str, state: &StreamState) -> Result<(), SyncError> {
    let after = state.after.map(|it| it.to_string());
    db.execute(
        "INSERT INTO keyhaven_streams (stream, watermark, whole_cursor, whole_after, whole_began, whole_finished, \
         whole_requests, whole_digest) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (stream) DO UPDATE SET \
         watermark = excluded.watermark, whole_cursor = excluded.whole_cursor, whole_after = excluded.whole_after, \
         whole_began = excluded.whole_began, whole_finished = excluded.whole_finished, \
         whole_requests = excluded.whole_requests, whole_digest = excluded.whole_digest",
        &[
            name.into(),
            text(state.watermark.as_ref()),
            text(state.cursor.as_ref()),
            text(after.as_ref()),
            text(state.began.as_ref()),
            text(state.finished.as_ref()),
            Cell::Integer(state.requests as i64),
            text(state.digest.as_ref()),
        ],
    )?;
    Ok(())
}

/// It begins anew.
pub(crate) fn forget_stream(db: &mut dyn Database, name: &str) -> Result<(), SyncError> {
    db.execute("DELETE FROM keyhaven_streams WHERE stream = $1", &[name.into()]).map(drop)
}

/// What lists on one page looked like.
pub(crate) fn forget_looks(db: &mut dyn Database) -> Result<(), SyncError> {
    db.execute("UPDATE keyhaven_streams SET whole_digest = NULL", &[]).map(drop)
}

/// What a stream's last run ended with, where that is worth telling.
pub(crate) fn save_note(db: &mut dyn Database, name: &str, note: Option<&String>) -> Result<(), SyncError> {
    // A stream that was skipped from the first may not be there yet.
    let sql = match note {
        Some(_) => {
            "INSERT INTO keyhaven_streams (note, stream, whole_requests) VALUES ($1, $2, 0) ON CONFLICT (stream) \
             DO UPDATE SET note = excluded.note"
        }
        None => "UPDATE keyhaven_streams SET note = $1 WHERE stream = $2",
    };
    db.execute(sql, &[text(note), name.into()]).map(drop)
}

pub(crate) fn fields(db: &mut dyn Database, table: &str) -> Result<Vec<Mapped>, SyncError> {
    let rows = db.query(
        "SELECT field_code, field_name, field_type, column_name, dropped_at FROM keyhaven_fields \
         WHERE table_name = $1 ORDER BY column_name",
        &[table.into()],
    )?;
    let field = |row: &[Cell<'_>]| Mapped {
        code: row[0].text(),
        name: row[1].text(),
        kind: row[2].text(),
        column: row[3].text(),
        dropped_at: maybe(&row[4]),
    };
    Ok(rows.iter().map(|row| field(row)).collect())
}

pub(crate) fn save_field(
    db: &mut dyn Database,
    table: &str,
    field: &Mapped,
    columns: &str,
) -> Result<(), SyncError> {
    db.execute(
        "INSERT INTO keyhaven_fields (table_name, column_name, field_name, field_type, field_code, columns, dropped_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (table_name, column_name) DO UPDATE SET \
         field_name = excluded.field_name, dropped_at = excluded.dropped_at",
        &[
            table.into(),
            field.column.as_str().into(),
            field.name.as_str().into(),
            field.kind.as_str().into(),
            field.code.as_str().into(),
            columns.into(),
            text(field.dropped_at.as_ref()),
        ],
    )?;
    Ok(())
}

/// Labels of choices: by field code, then id.
pub(crate) type Labels = BTreeMap<String, BTreeMap<String, String>>;

/// The labels that rows were written with.
pub(crate) fn options(db: &mut dyn Database, table: &str) -> Result<Labels, SyncError> {
    let rows = db.query(
        "SELECT field_code, option_id, label FROM keyhaven_options WHERE table_name = $1",
        &[table.into()],
    )?;
    let mut all = Labels::new();
    for row in rows {
        all.entry(row[0].text()).or_default().insert(row[1].text(), row[2].text());
    }
    Ok(all)
}

pub(crate) fn save_option(
    db: &mut dyn Database,
    table: &str,
    code: &str,
    id: &str,
    label: &str,
) -> Result<(), SyncError> {
    db.execute(
        "INSERT INTO keyhaven_options (table_name, field_code, option_id, label) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (table_name, field_code, option_id) DO UPDATE SET label = excluded.label",
        &[table.into(), code.into(), id.into(), label.into()],
    )?;
    Ok(())
}

/// The definitions of fields, as they were last read.
pub(crate) fn definitions(db: &mut dyn Database, table: &str) -> Result<Vec<Definition>, SyncError> {
    let sql = format!(
        "SELECT field_code, field_name, field_type, CAST(CASE WHEN is_custom_field THEN 1 ELSE 0 END AS BIGINT), \
         CAST(options AS TEXT) FROM {} WHERE _deleted_at IS NULL ORDER BY field_code",
        quoted(table)
    );
    let rows = db.query(&sql, &[])?;
    let definition = |row: &[Cell<'_>]| Definition {
        code: row[0].text(),
        name: row[1].text(),
        kind: row[2].text(),
        custom: row[3] == Cell::Integer(1),
        options: Definition::options(&row[4].text()),
    };
    Ok(rows.iter().map(|row| definition(row)).collect())
}

/// Runs that began before are not told any more.
pub(crate) fn forget_runs(db: &mut dyn Database, before: &str) -> Result<(), SyncError> {
    db.execute("DELETE FROM keyhaven_runs WHERE began < $1", &[before.into()]).map(drop)
}

/// How a run went. `row`: began, finished, outcome, message, streams. `counts`: requests, cost, rows read, written,
/// deleted.
pub(crate) fn save_run(db: &mut dyn Database, row: &[String; 5], counts: &[u64; 5]) -> Result<(), SyncError> {
    let [began, finished, outcome, message, streams] = row;
    let [requests, cost, read, written, deleted] = counts.map(|it| Cell::Integer(it as i64));
    db.execute(
        "INSERT INTO keyhaven_runs (began, finished, outcome, message, requests, cost, rows_read, rows_written, \
         rows_deleted, streams) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (began) DO NOTHING",
        &[
            began.as_str().into(),
            finished.as_str().into(),
            outcome.as_str().into(),
            message.as_str().into(),
            requests,
            cost,
            read,
            written,
            deleted,
            streams.as_str().into(),
        ],
    )?;
    Ok(())
}
