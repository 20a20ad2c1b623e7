//! A list that leads in a circle would be followed for ever.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hasher},
};

use crate::error::{Failure, SyncError};

/// Where the pages of a list have led.
#[derive(Default)]
pub(super) struct Trail(HashSet<u64>);

impl Trail {
    /// Notes where the next page is. An error: that one was read already.
    pub(super) fn note(&mut self, stream: &str, next: Option<&String>) -> Result<(), SyncError> {
        let Some(next) = next else { return Ok(()) };
        let mut hasher = DefaultHasher::new();
        hasher.write(next.as_bytes());
        if self.0.insert(hasher.finish()) { Ok(()) } else { Err(endless(stream)) }
    }
}

pub(super) fn endless(stream: &str) -> SyncError {
    SyncError::new(
        Failure::App,
        format!("the app's list of {stream} has no end: it leads back to what was read already"),
        "Run the sync again later: it goes on where it was. If it stays so, leave the stream out and tell the app's support.",
    )
}
