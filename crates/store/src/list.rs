//! The list of connections: a page, and how many there are.

use sqlx::{query_as, query_scalar};

use crate::{
    ConnectionRow, Reader, StoreError,
    sql::{connection_columns, declare},
};

/// Is the id among those of [`among`]? The `_` in it is a wildcard of `LIKE` that only ever meets another `_`.
macro_rules! allowed {
    ($ids:literal) => {
        concat!("(", $ids, " = '' OR ", $ids, " LIKE '%,' || id || ',%')")
    };
}

/// How many there are, up to a bound.
macro_rules! count {
    ($which:literal) => {
        concat!(
            "SELECT count(*) FROM (SELECT 1 FROM connections WHERE workspace = $1 AND ",
            $which,
            " AND ",
            allowed!("$3"),
            " LIMIT $2) AS counted"
        )
    };
}

/// A page of the list: one statement for each index, forwards and backwards.
macro_rules! page {
    ($which:literal, $compare:literal, $order:literal) => {
        concat!(
            "SELECT ",
            connection_columns!(),
            " FROM connections WHERE workspace = $1 AND ",
            $which,
            " AND (sort_key, id) ",
            $compare,
            " ($2, $3) AND ($4 = '' OR status = $4) AND ($5 = '' OR connector = $5)
              AND ($6 = '' OR search_key LIKE $6 ESCAPE '\\') AND ",
            allowed!("$8"),
            " ORDER BY sort_key ",
            $order,
            ", id ",
            $order,
            " LIMIT $7"
        )
    };
}

declare! {
    COUNT_ALL = count!("deleted_at IS NULL");
    COUNT_ATTENTION = count!("deleted_at IS NULL AND attention = 1");
    COUNT_DELETED = count!("deleted_at IS NOT NULL");
    PAGE_ALL = page!("deleted_at IS NULL", ">", "ASC");
    PAGE_ALL_BACK = page!("deleted_at IS NULL", "<", "DESC");
    PAGE_STATUS = page!("deleted_at IS NULL AND status = $4", ">", "ASC");
    PAGE_STATUS_BACK = page!("deleted_at IS NULL AND status = $4", "<", "DESC");
    PAGE_ATTENTION = page!("deleted_at IS NULL AND attention = 1", ">", "ASC");
    PAGE_ATTENTION_BACK = page!("deleted_at IS NULL AND attention = 1", "<", "DESC");
    PAGE_CONNECTOR = page!("deleted_at IS NULL AND connector = $5", ">", "ASC");
    PAGE_CONNECTOR_BACK = page!("deleted_at IS NULL AND connector = $5", "<", "DESC");
    PAGE_CONNECTOR_STATUS = page!("deleted_at IS NULL AND connector = $5 AND status = $4", ">", "ASC");
    PAGE_CONNECTOR_STATUS_BACK = page!("deleted_at IS NULL AND connector = $5 AND status = $4", "<", "DESC");
    PAGE_CONNECTOR_ATTENTION = page!("deleted_at IS NULL AND connector = $5 AND attention = 1", ">", "ASC");
    PAGE_CONNECTOR_ATTENTION_BACK = page!("deleted_at IS NULL AND connector = $5 AND attention = 1", "<", "DESC");
    PAGE_DELETED = page!("deleted_at IS NOT NULL", ">", "ASC");
    PAGE_DELETED_BACK = page!("deleted_at IS NOT NULL", "<", "DESC");
}

/// What to list.
#[derive(Clone, Debug, Default)]
pub struct ListFilter {
    /// Looked for anywhere in the search key; lower case, or empty.
    pub search: String,
    /// `valid`, `invalid`, `unverified`, `attention` (the latter two), or empty.
    pub status: String,
    /// A connector's id, or empty.
    pub connector: String,
    /// Those that are deleted, instead of those that are not.
    pub deleted: bool,
    /// Only those with these ids.
    pub only: Option<Vec<String>>,
}

/// Where a page begins: after this row, or before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The row's sort key.
    pub sort_key: String,
    /// The row's id.
    pub id: String,
    /// The page before it.
    pub backwards: bool,
}

/// A page, in the order of names.
#[derive(Debug)]
pub struct ListPage {
    /// The rows.
    pub rows: Vec<ConnectionRow>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
    /// Where the page before begins, if there is one.
    pub previous: Option<Cursor>,
}

/// How many there are, each counted up to a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// All that are not deleted.
    pub all: i64,
    /// Those that show !.
    pub attention: i64,
    /// Those that are deleted.
    pub deleted: i64,
}

impl Reader<'_> {
    /// A page of at most `limit` rows.
    pub async fn list_connections(
        &self,
        filter: &ListFilter,
        cursor: Option<&Cursor>,
        limit: i64,
    ) -> Result<ListPage, StoreError> {
        let backwards = cursor.is_some_and(|cursor| cursor.backwards);
        let status = if filter.status == "attention" { "" } else { &filter.status };
        let search = if filter.search.is_empty() { String::new() } else { pattern(&filter.search) };
        let mut rows: Vec<ConnectionRow> = query_as(statement(filter, backwards))
            .bind(&self.scope.workspace)
            .bind(cursor.map_or("", |cursor| &cursor.sort_key))
            .bind(cursor.map_or("", |cursor| &cursor.id))
            .bind(status)
            .bind(&filter.connector)
            .bind(search)
            .bind(limit + 1)
            .bind(among(filter.only.as_deref()))
            .fetch_all(self.pool)
            .await?;
        let more = rows.len() as i64 > limit;
        rows.truncate(limit as usize);
        if backwards {
            rows.reverse();
        }
        let (before, after) = if backwards { (more, true) } else { (cursor.is_some(), more) };
        Ok(ListPage {
            next: rows.last().filter(|_| after).map(|row| at(row, false)),
            previous: rows.first().filter(|_| before).map(|row| at(row, true)),
            rows,
        })
    }

    /// How many there are, each counted up to `bound`; of those with the ids `only`, where some are given.
    pub async fn count_connections(&self, bound: i64, only: Option<&[String]>) -> Result<Counts, StoreError> {
        let count = async |sql: &'static str| {
            let query = query_scalar(sql).bind(&self.scope.workspace).bind(bound).bind(among(only));
            query.fetch_one(self.pool).await
        };
        Ok(Counts {
            all: count(COUNT_ALL).await?,
            attention: count(COUNT_ATTENTION).await?,
            deleted: count(COUNT_DELETED).await?,
        })
    }
}

fn at(row: &ConnectionRow, backwards: bool) -> Cursor {
    Cursor { sort_key: row.sort_key.clone(), id: row.id.clone(), backwards }
}

/// The statement whose index serves the filter best.
fn statement(filter: &ListFilter, backwards: bool) -> &'static str {
    let (forth, back) = match (filter.status.as_str(), filter.connector.as_str()) {
        _ if filter.deleted => (PAGE_DELETED, PAGE_DELETED_BACK),
        ("", "") => (PAGE_ALL, PAGE_ALL_BACK),
        ("", _) => (PAGE_CONNECTOR, PAGE_CONNECTOR_BACK),
        ("attention", "") => (PAGE_ATTENTION, PAGE_ATTENTION_BACK),
        ("attention", _) => (PAGE_CONNECTOR_ATTENTION, PAGE_CONNECTOR_ATTENTION_BACK),
        (_, "") => (PAGE_STATUS, PAGE_STATUS_BACK),
        (_, _) => (PAGE_CONNECTOR_STATUS, PAGE_CONNECTOR_STATUS_BACK),
    };
    if backwards { back } else { forth }
}

/// `,cn_1,cn_2,`: an array is another text on each database. Empty: all.
fn among(ids: Option<&[String]>) -> String {
    ids.map(|ids| format!(",{},", ids.join(","))).unwrap_or_default()
}

/// Words in the order given, whatever stands between them; `50%` is looked for as it stands.
fn pattern(search: &str) -> String {
    let quoted = search.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{}%", quoted.split_whitespace().collect::<Vec<_>>().join("%"))
}
