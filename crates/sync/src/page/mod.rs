//! A page of records, read straight into rows.

pub(crate) mod cell;
pub(crate) mod layout;
mod read;
mod tail;
mod value;

pub(crate) use cell::Cell;
pub(crate) use layout::{Column, DELETED_AT, Layout, SYNCED_AT};
pub(crate) use read::{highest_id, keys, read};
pub(crate) use tail::tail;
pub(crate) use value::read_labels;

/// A value that fits no column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Misfits {
    /// The row's place.
    pub row: usize,
    /// The column's place.
    pub slot: usize,
    /// The value, cut short.
    pub value: String,
}

/// Rows of one table, cell after cell.
#[derive(Debug, Default)]
pub(crate) struct Rows<'a> {
    /// Cells of a row.
    pub width: usize,
    /// All cells.
    pub cells: Vec<Cell<'a>>,
    /// What did not fit; its cell is null.
    pub misfits: Vec<Misfits>,
}

impl<'a> Rows<'a> {
    pub(crate) fn new(width: usize) -> Self {
        Self { width, cells: Vec::with_capacity(width * 500), misfits: Vec::new() }
    }

    /// How many rows.
    pub(crate) fn len(&self) -> usize {
        self.cells.len().checked_div(self.width).unwrap_or_default()
    }

    /// Row by row.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[Cell<'a>]> {
        self.cells.chunks_exact(self.width.max(1))
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut [Cell<'a>]> {
        self.cells.chunks_exact_mut(self.width.max(1))
    }
}
