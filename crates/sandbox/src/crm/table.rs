//! What became of the records of one kind since the start.

use std::collections::BTreeMap;

use super::{
    Record,
    index::{Index, Place},
    time_in,
};

/// A record that is no longer as it was made.
#[derive(Debug)]
pub(super) enum Stored {
    Here {
        record: Record,
        /// Seconds since 1970.
        deleted_at: Option<u64>,
    },
    /// Purged, or merged into another.
    Gone,
}

#[derive(Debug, Default)]
pub(super) struct Table {
    changed: BTreeMap<u64, Stored>,
    updated: Index,
    added: Index,
}

impl Table {
    pub(super) fn get(&self, id: u64) -> Option<&Stored> {
        self.changed.get(&id)
    }

    pub(super) fn is_changed(&self, id: u64) -> bool {
        self.changed.contains_key(&id)
    }

    /// Those that were changed or added, by their ids.
    pub(super) fn changed(&self) -> impl DoubleEndedIterator<Item = u64> + '_ {
        self.changed.keys().copied()
    }

    /// The highest id of those.
    pub(super) fn last(&self) -> u64 {
        self.changed.keys().next_back().copied().unwrap_or(0)
    }

    pub(super) fn put(&mut self, id: u64, stored: Stored) {
        let place = |record: &Record, field: &str| -> Place { (time_in(record, field), id) };
        if let Some(Stored::Here { record, .. }) = self.changed.get(&id) {
            self.updated.remove(place(record, "update_time"));
            self.added.remove(place(record, "add_time"));
        }
        if let Stored::Here { record, .. } = &stored {
            self.updated.insert(place(record, "update_time"));
            self.added.insert(place(record, "add_time"));
        }
        self.changed.insert(id, stored);
    }

    /// The order of `update_time` or `add_time`.
    pub(super) fn index(&self, field: &str) -> &Index {
        if field == "add_time" { &self.added } else { &self.updated }
    }
}
