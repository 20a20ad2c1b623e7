//! Connections: one, a page, a change.

use sqlx::{query, query_as, query_scalar};

use crate::{
    ConnectionRow, Reader, StoreError, Tx,
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

/// Writes an outcome; `$and` says where.
macro_rules! outcome {
    ($and:literal) => {
        concat!(
            "UPDATE connections SET status = $4, attention = $5, verdict = $6, account = $7, fields = $8, search_key = $9,
             last_check = $10, verified_at = $11, checked_at = $12, next_check_at = $13, failures = $14
             WHERE workspace = $1 AND id = $2 AND revision = $3 AND deleted_at IS NULL",
            $and
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
    GET = concat!("SELECT ", connection_columns!(), " FROM connections WHERE workspace = $1 AND (id = $2 OR slug = $2)");
    INSERT = "INSERT INTO connections (id, workspace, slug, connector, name, sort_key, search_key, fields, status, attention,
        next_check_at, failures, created_at, updated_at, revision)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $10, 0, $11, $11, 1)";
    SLUG_TAKEN = "SELECT count(*) FROM connections WHERE workspace = $1 AND slug = $2";
    CHANGE = "UPDATE connections SET name = $4, sort_key = $5, search_key = $6, fields = $7, updated_at = $8, revision = revision + 1
        WHERE workspace = $1 AND id = $2 AND revision = $3 AND deleted_at IS NULL";
    OUTCOME = outcome!("");
    OUTCOME_AS_BEFORE = outcome!(" AND status = $4 AND fields = $8");
    DELETE = "UPDATE connections SET deleted_at = $3, purge_at = $4, next_check_at = NULL WHERE workspace = $1 AND id = $2";
    RESTORE = "UPDATE connections SET deleted_at = NULL, purge_at = NULL, next_check_at = $3 WHERE workspace = $1 AND id = $2";
    DESTROY_SECRETS = "DELETE FROM secrets WHERE workspace = $1 AND connection = $2";
    DESTROY_VERIFICATIONS = "DELETE FROM verifications WHERE workspace = $1 AND connection = $2";
    DESTROY = "DELETE FROM connections WHERE workspace = $1 AND id = $2";
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

/// What a new connection begins with.
#[derive(Clone, Debug)]
pub struct NewConnectionRow {
    /// `cn_…`.
    pub id: String,
    /// Must be free: see [`Tx::slug_taken`].
    pub slug: String,
    /// The connector's id.
    pub connector: String,
    /// The name.
    pub name: String,
    /// The name in lower case: the list's order.
    pub sort_key: String,
    /// What search looks through, in lower case.
    pub search_key: String,
    /// Plain values: JSON.
    pub fields: String,
    /// `unverified`.
    pub status: String,
    /// When it is verified at the latest.
    pub next_check_at: i64,
}

/// What a person changed.
#[derive(Clone, Debug)]
pub struct ConnectionChange {
    /// Which.
    pub id: String,
    /// The revision that the person saw.
    pub revision: i64,
    /// The name.
    pub name: String,
    /// The name in lower case.
    pub sort_key: String,
    /// What search looks through.
    pub search_key: String,
    /// Plain values: JSON.
    pub fields: String,
}

/// What a verification changes.
#[derive(Clone, Debug)]
pub struct OutcomeUpdate {
    /// `valid`, `invalid` or `unverified`.
    pub status: String,
    /// JSON.
    pub verdict: Option<String>,
    /// JSON.
    pub account: Option<String>,
    /// JSON.
    pub fields: String,
    /// What search looks through.
    pub search_key: String,
    /// JSON.
    pub last_check: String,
    /// When an answer last settled the status.
    pub verified_at: Option<i64>,
    /// When it was asked.
    pub checked_at: i64,
    /// When it is asked next.
    pub next_check_at: i64,
    /// Verifications in a row that settled nothing.
    pub failures: i64,
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
    /// One connection by id or slug; deleted ones, too.
    pub async fn connection(&self, which: &str) -> Result<Option<ConnectionRow>, StoreError> {
        Ok(query_as(GET).bind(&self.scope.workspace).bind(which).fetch_optional(self.pool).await?)
    }

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

impl Tx {
    /// Saves a new connection.
    pub async fn insert_connection(&mut self, new: &NewConnectionRow) -> Result<(), StoreError> {
        query(INSERT)
            .bind(&new.id)
            .bind(&self.scope.workspace)
            .bind(&new.slug)
            .bind(&new.connector)
            .bind(&new.name)
            .bind(&new.sort_key)
            .bind(&new.search_key)
            .bind(&new.fields)
            .bind(&new.status)
            .bind(new.next_check_at)
            .bind(self.scope.now)
            .execute(&mut *self.tx)
            .await?;
        self.changed = true;
        Ok(())
    }

    /// Does a connection have this slug, a deleted one included?
    pub async fn slug_taken(&mut self, slug: &str) -> Result<bool, StoreError> {
        let count: i64 =
            query_scalar(SLUG_TAKEN).bind(&self.scope.workspace).bind(slug).fetch_one(&mut *self.tx).await?;
        Ok(count > 0)
    }

    /// Changes a connection; `false` if it has another revision by now.
    pub async fn change_connection(&mut self, change: &ConnectionChange) -> Result<bool, StoreError> {
        let done = query(CHANGE)
            .bind(&self.scope.workspace)
            .bind(&change.id)
            .bind(change.revision)
            .bind(&change.name)
            .bind(&change.sort_key)
            .bind(&change.search_key)
            .bind(&change.fields)
            .bind(self.scope.now)
            .execute(&mut *self.tx)
            .await?;
        self.changed = true;
        Ok(done.rows_affected() == 1)
    }

    /// Writes what a verification of this revision found; `false` if it has another one by now.
    pub async fn set_outcome(
        &mut self,
        id: &str,
        revision: i64,
        it: &OutcomeUpdate,
    ) -> Result<bool, StoreError> {
        let as_before = self.write_outcome(OUTCOME_AS_BEFORE, id, revision, it).await?;
        let changed = !as_before && self.write_outcome(OUTCOME, id, revision, it).await?;
        self.changed |= changed;
        Ok(as_before || changed)
    }

    async fn write_outcome(
        &mut self,
        sql: &'static str,
        id: &str,
        revision: i64,
        it: &OutcomeUpdate,
    ) -> Result<bool, StoreError> {
        let done = query(sql)
            .bind(&self.scope.workspace)
            .bind(id)
            .bind(revision)
            .bind(&it.status)
            .bind(i64::from(it.status != "valid"))
            .bind(&it.verdict)
            .bind(&it.account)
            .bind(&it.fields)
            .bind(&it.search_key)
            .bind(&it.last_check)
            .bind(it.verified_at)
            .bind(it.checked_at)
            .bind(it.next_check_at)
            .bind(it.failures)
            .execute(&mut *self.tx)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Puts a connection into the trash.
    pub async fn delete_connection(&mut self, id: &str, purge_at: i64) -> Result<(), StoreError> {
        let query = query(DELETE).bind(&self.scope.workspace).bind(id).bind(self.scope.now).bind(purge_at);
        query.execute(&mut *self.tx).await?;
        self.changed = true;
        Ok(())
    }

    /// Takes a connection out of the trash.
    pub async fn restore_connection(&mut self, id: &str, next_check_at: i64) -> Result<(), StoreError> {
        let query = query(RESTORE).bind(&self.scope.workspace).bind(id).bind(next_check_at);
        query.execute(&mut *self.tx).await?;
        self.changed = true;
        Ok(())
    }

    /// Removes a connection, its secrets, its history and what went through it.
    pub async fn destroy_connection(&mut self, id: &str) -> Result<(), StoreError> {
        self.delete_pending_change(id).await?;
        self.destroy_usage(id).await?;
        for statement in [DESTROY_SECRETS, DESTROY_VERIFICATIONS, DESTROY] {
            query(statement).bind(&self.scope.workspace).bind(id).execute(&mut *self.tx).await?;
        }
        self.changed = true;
        Ok(())
    }
}
