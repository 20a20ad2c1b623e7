//! A page of records, read straight into rows.

pub(crate) mod cell;
mod json;
pub(crate) mod layout;
mod lists;
mod read;
mod scalar;
mod sound;
mod tail;
mod value;

pub(crate) use cell::Cell;
pub(crate) use layout::{Column, DELETED_AT, Layout, SYNCED_AT};
pub(crate) use lists::read_labels;
pub(crate) use read::{highest_id, keys, read};
pub(crate) use sound::sound;
pub(crate) use tail::{Place, tail};

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

/// Cells of one page. What an app sends in a few bytes for each record takes a hundred times as much here.
const MOST_CELLS: usize = 2_000_000;
/// Misfits of one page that are counted, and those whose values are kept.
const MOST_MISFITS: usize = 200_000;
const MOST_VALUES: usize = 10_000;
/// In characters.
const LONGEST_VALUE: usize = 200;

impl<'a> Rows<'a> {
    pub(crate) fn new(width: usize) -> Self {
        Self { width, cells: Vec::with_capacity(width * 500), misfits: Vec::new() }
    }

    /// Begins a row; tells where its cells begin. None: there are too many.
    fn begin(&mut self) -> Option<usize> {
        let begin = self.cells.len();
        if begin + self.width > MOST_CELLS {
            return None;
        }
        self.cells.resize(begin + self.width, Cell::Null);
        Some(begin)
    }

    /// Notes what did not fit.
    fn note(&mut self, row: usize, slot: usize, value: &str) {
        let kept = if self.misfits.len() < MOST_VALUES { LONGEST_VALUE } else { 0 };
        if self.misfits.len() < MOST_MISFITS {
            self.misfits.push(Misfits { row, slot, value: value.chars().take(kept).collect() });
        }
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
