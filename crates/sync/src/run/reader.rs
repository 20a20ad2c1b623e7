//! One reading of a list: where it stands, and where its next page is.

use std::collections::HashSet;

use bytes::Bytes;
use keyhaven_connectors::streams::{Paging, Stream};

use super::{
    Table,
    fetch::Stop,
    trail::{Trail, endless},
};
use crate::{
    error::SyncError,
    page::{self, Place},
};

/// How often a list whose records moved between two pages is followed back: at once, and in all.
const STEPS_BACK: u32 = 3;
const STEPS_IN_ALL: u32 = 100;
/// A list that shows the same page so often shows nothing else.
const SAME: u32 = 3;

/// What is read of a list, page by page.
pub(super) struct Reader<'a> {
    pub stream: &'a Stream,
    pub layout: &'a Table,
    query: String,
    pub is_sweep: bool,
    /// The app's clock when it began.
    pub began: Option<String>,
    /// Where the next page is.
    pub cursor: Option<String>,
    pub requests: u64,
    /// Records that are asked for at once.
    size: u64,
    /// Keys of the page before, for lists by place.
    before: HashSet<String>,
    steps_back: u32,
    steps_in_all: u32,
    /// How often these came again.
    same: u32,
    trail: Trail,
}

impl<'a> Reader<'a> {
    pub(super) fn new(stream: &'a Stream, layout: &'a Table, query: String) -> Self {
        Self {
            stream,
            layout,
            query,
            is_sweep: false,
            began: None,
            cursor: None,
            requests: 0,
            size: stream.size,
            before: HashSet::new(),
            steps_back: 0,
            steps_in_all: 0,
            same: 0,
            trail: Trail::default(),
        }
    }

    /// A cursor does not last for ever: the list from its first page, if that is what the reading ended with.
    pub(super) fn anew(&self, read: &Result<(), Stop>) -> Option<Self> {
        let expired = matches!(read, Err(Stop::Anew(_))) && self.cursor.is_some();
        expired.then(|| Self {
            is_sweep: self.is_sweep,
            size: self.size,
            ..Self::new(self.stream, self.layout, self.query.clone())
        })
    }

    /// A list that was read in part is not left out like one that cannot be read.
    pub(super) fn ended(&self, read: Result<(), Stop>) -> Result<(), Stop> {
        match read {
            Err(Stop::Anew(error)) if self.cursor.is_some() => Err(Stop::Run(SyncError {
                message: format!(
                    "the list of {} could not be read to its end: {}",
                    self.stream.name, error.message
                ),
                ..error
            })),
            read => read,
        }
    }

    /// Asks for fewer records from now on, where that can be.
    pub(super) fn takes_smaller_pages(&mut self) -> bool {
        // A list by place needs one record of the page before, and one that follows.
        let least = if self.stream.pages == Paging::Start { 2 } else { 1 };
        let can = self.stream.pages != Paging::One && self.size > least;
        if can {
            self.size = (self.size / 4).max(least);
        }
        can
    }

    pub(super) fn path(&self) -> String {
        let Stream { path, pages, .. } = self.stream;
        let mut query: Vec<String> = Vec::new();
        if *pages != Paging::One {
            query.push(format!("limit={}", self.size));
        }
        if !self.query.is_empty() {
            query.push(self.query.replace(' ', "%20"));
        }
        match (pages, &self.cursor) {
            (Paging::Cursor, Some(cursor)) => query.push(format!("cursor={}", escaped(cursor))),
            (Paging::Start, cursor) => query.push(format!("start={}", cursor.as_deref().unwrap_or("0"))),
            _ => {}
        }
        if query.is_empty() { path.clone() } else { format!("{path}?{}", query.join("&")) }
    }

    /// Where the next page is. A list by place is followed with one record of the last page, so that records that moved
    /// in between are noticed; `None` twice: the page does not follow on the last one and is asked for anew.
    pub(super) fn follow(&mut self, body: &Bytes) -> Result<Option<Option<String>>, SyncError> {
        let name = &self.stream.name;
        let tail = page::tail(body).map_err(|error| unreadable(name, &error))?;
        match self.stream.pages {
            Paging::One => Ok(Some(None)),
            Paging::Cursor => {
                self.trail.note(name, tail.cursor.as_ref())?;
                Ok(Some(tail.cursor))
            }
            Paging::Start => {
                let keys = page::keys(body, self.layout).map_err(|error| unreadable(name, &error))?;
                let count = keys.len() as u64;
                let keys: HashSet<String> = keys.into_iter().collect();
                let start: u64 = self.cursor.as_deref().and_then(|it| it.parse().ok()).unwrap_or_default();
                if self.steps_back(&keys) {
                    self.cursor = Some(start.saturating_sub(self.size / 2 + 1).to_string());
                    return Ok(None);
                }
                self.same = if keys == self.before && !keys.is_empty() { self.same + 1 } else { 0 };
                let next = match tail.start {
                    Place::At(next) => Some(next),
                    Place::More => Some(start.saturating_add(count)),
                    // A full page may be the last one; the next then holds only the record that both share.
                    Place::Untold => (count == self.size).then(|| start.saturating_add(count)),
                    Place::End => None,
                };
                if self.same == SAME || next.is_some_and(|next| next <= start) {
                    return Err(endless(name));
                }
                self.before = keys;
                let next = next.map(|next| if next > start + 1 { next - 1 } else { next });
                Ok(Some(next.map(|next| next.to_string())))
            }
        }
    }

    /// Does a page with these keys not follow on the last one, and is it worth going back?
    fn steps_back(&mut self, keys: &HashSet<String>) -> bool {
        if self.before.is_empty() || keys.is_empty() || !keys.is_disjoint(&self.before) {
            self.steps_back = 0;
            return false;
        }
        let goes_back = self.steps_back < STEPS_BACK && self.steps_in_all < STEPS_IN_ALL;
        if goes_back {
            self.steps_back += 1;
            self.steps_in_all += 1;
        }
        goes_back
    }
}

pub(super) fn escaped(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

pub(super) fn unreadable(stream: &str, error: &serde_json::Error) -> SyncError {
    SyncError::new(
        crate::error::Failure::App,
        format!("a page of {stream} is not what the app should answer: {error}"),
        "Run the sync again: it goes on from the page before.",
    )
}
