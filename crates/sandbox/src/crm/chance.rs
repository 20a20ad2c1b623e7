//! Numbers that look random and are the same every time.

use std::hash::{DefaultHasher, Hash, Hasher};

/// Draws for one record. What a draw gives depends on its name alone, so that a new field leaves the others alone.
#[derive(Clone, Copy)]
pub(super) struct Chance(u64);

impl Chance {
    /// The same for the same seed. `DefaultHasher::new` has fixed keys.
    pub(super) fn new(seed: impl Hash) -> Self {
        let mut hasher = DefaultHasher::new();
        seed.hash(&mut hasher);
        Self(hasher.finish())
    }

    pub(super) fn draw(self, name: &str) -> u64 {
        Self::new((self.0, name)).0
    }

    /// Draws of one of several things alike, by its number: cheaper than by name. (Steele's `splitmix64`.)
    pub(super) fn nth(self, n: usize) -> Self {
        let mut mixed = self.0.wrapping_add((n as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self(mixed ^ (mixed >> 31))
    }

    /// The first draw of all, without a name: true once in so many times.
    pub(super) fn is_once_in(self, times: u64) -> bool {
        self.0.is_multiple_of(times)
    }

    /// 0 to `end`, without it.
    pub(super) fn below(self, name: &str, end: u64) -> u64 {
        self.draw(name) % end.max(1)
    }

    /// True once in so many times.
    pub(super) fn once_in(self, name: &str, times: u64) -> bool {
        self.below(name, times) == 0
    }

    pub(super) fn pick<'a, T>(self, name: &str, from: &'a [T]) -> &'a T {
        &from[self.below(name, from.len() as u64) as usize]
    }
}
