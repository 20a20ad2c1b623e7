//! Which key of a record fills which columns.

use std::collections::HashMap;

use keyhaven_connectors::streams::{Shape, Sql};

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    /// Its name.
    pub name: String,
    /// Its type.
    pub sql: Sql,
}

/// What becomes of one key of a record.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The first of its columns.
    pub slot: usize,
    pub shape: Shape,
    /// Choices by their ids, as text.
    pub labels: HashMap<String, String>,
}

/// A column that is filled from a key of its own: parts of a custom field among the record's keys.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loose {
    pub slot: usize,
    pub sql: Sql,
}

#[derive(Clone, Debug)]
pub(crate) enum Target {
    Whole(Entry),
    Loose(Loose),
}

/// A table, and how records fill it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layout {
    /// The table's name.
    pub table: String,
    /// Its columns; `_deleted_at` and `_synced_at` are the last two.
    pub columns: Vec<Column>,
    /// Which column tells records apart.
    pub key: usize,
    /// Where the time of the last change stands.
    pub updated: Option<usize>,
    /// The record is deleted where this column has this value.
    pub gone: Option<(usize, bool)>,
    pub(crate) root: HashMap<String, Target>,
    pub(crate) custom: HashMap<String, Target>,
}

/// When a record was found to be deleted.
pub(crate) const DELETED_AT: &str = "_deleted_at";
/// When a row was written last.
pub(crate) const SYNCED_AT: &str = "_synced_at";

impl Layout {
    /// The place of a column.
    pub(crate) fn slot(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|it| it.name == column)
    }

    /// The key column's name.
    pub(crate) fn key_name(&self) -> &str {
        &self.columns[self.key].name
    }

    /// Is the key a whole number?
    pub(crate) fn has_integer_key(&self) -> bool {
        self.columns[self.key].sql == Sql::Integer
    }

    /// Adds the columns of one value.
    pub(crate) fn add(&mut self, base: &str, shape: &Shape) -> usize {
        let slot = self.columns.len();
        self.columns.extend(
            shape.parts().iter().map(|part| Column { name: format!("{base}{}", part.ending), sql: part.sql }),
        );
        slot
    }

    pub(crate) fn finish(&mut self) {
        for name in [DELETED_AT, SYNCED_AT] {
            self.columns.push(Column { name: name.into(), sql: Sql::Timestamp });
        }
    }
}
