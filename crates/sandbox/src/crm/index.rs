//! Records in the order of a time, without making them.

use std::{
    collections::BTreeSet,
    iter::Peekable,
    ops::Range,
    sync::{Arc, OnceLock},
};

/// Milliseconds since 1970, or [`NEVER`]; then the id.
pub(super) type Place = (i64, u64);

/// Before all times.
pub(super) const NEVER: i64 = -1;

/// The places of the records that nobody changed, drawn once, and of those that were.
#[derive(Debug, Default)]
pub(super) struct Index {
    made: OnceLock<Arc<[Place]>>,
    changed: BTreeSet<Place>,
}

impl Index {
    pub(super) fn insert(&mut self, place: Place) {
        self.changed.insert(place);
    }

    pub(super) fn remove(&mut self, place: Place) {
        self.changed.remove(&place);
    }

    /// Those in the range, in order. `draw` gives the places of all that were made, `stale` those of them to leave out.
    pub(super) fn walk<'a>(
        &'a self,
        range: Range<Place>,
        descending: bool,
        draw: impl FnOnce() -> Vec<Place>,
        stale: impl Fn(u64) -> bool + 'a,
    ) -> Box<dyn Iterator<Item = Place> + 'a> {
        if range.start >= range.end {
            return Box::new(std::iter::empty());
        }
        let made = self.made.get_or_init(|| {
            let mut places = draw();
            places.sort_unstable();
            places.into()
        });
        let at = |place: Place| made.partition_point(|known| *known < place);
        let made = made[at(range.start)..at(range.end)].iter().copied().filter(move |place| !stale(place.1));
        let changed = self.changed.range(range).copied();
        if descending {
            Box::new(Merged { one: made.rev().peekable(), other: changed.rev().peekable(), descending })
        } else {
            Box::new(Merged { one: made.peekable(), other: changed.peekable(), descending })
        }
    }
}

struct Merged<A: Iterator, B: Iterator> {
    one: Peekable<A>,
    other: Peekable<B>,
    descending: bool,
}

impl<A: Iterator<Item = Place>, B: Iterator<Item = Place>> Iterator for Merged<A, B> {
    type Item = Place;

    fn next(&mut self) -> Option<Place> {
        match (self.one.peek(), self.other.peek()) {
            (Some(one), Some(other)) if (one < other) == self.descending => self.other.next(),
            (Some(_), _) => self.one.next(),
            (None, _) => self.other.next(),
        }
    }
}
