//! Which rows of a page are written.

use std::collections::{BTreeSet, HashMap};

use crate::page::{Cell, Layout, Rows};

/// The last row of each key, in their order; none without a key.
pub(super) fn keep_one_each(rows: &mut Rows<'_>, layout: &Layout) {
    let mut last: HashMap<String, usize> = HashMap::new();
    for (n, row) in rows.iter().enumerate() {
        if row[layout.key] != Cell::Null {
            last.insert(row[layout.key].text(), n);
        }
    }
    keep(rows, &last.into_values().collect());
}

/// Takes out what is deleted in the app, and tells its keys.
pub(super) fn take_deleted(rows: &mut Rows<'_>, layout: &Layout) -> Vec<String> {
    let deleted = rows.width - 2;
    let is_deleted = |row: &[Cell<'_>]| row[deleted] != Cell::Null;
    let keys = rows.iter().filter(|row| is_deleted(row)).map(|row| row[layout.key].text()).collect();
    let rest = rows.iter().enumerate().filter(|(_, row)| !is_deleted(row)).map(|(n, _)| n).collect();
    keep(rows, &rest);
    keys
}

pub(super) fn keep(rows: &mut Rows<'_>, which: &BTreeSet<usize>) {
    if which.len() == rows.len() {
        return;
    }
    let places: HashMap<usize, usize> = which.iter().enumerate().map(|(new, old)| (*old, new)).collect();
    let width = rows.width;
    let mut n = 0;
    rows.cells.retain(|_| {
        n += 1;
        which.contains(&((n - 1) / width))
    });
    rows.misfits.retain_mut(|misfit| {
        let place = places.get(&misfit.row).copied();
        misfit.row = place.unwrap_or_default();
        place.is_some()
    });
}
