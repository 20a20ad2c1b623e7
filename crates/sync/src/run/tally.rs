//! A run may leave streams out. One that leaves out all that was chosen has failed.

use keyhaven_connectors::streams::Stream;

use super::Plan;
use crate::error::SyncError;

/// What became of the streams of a run so far.
pub(super) struct Tally<'a> {
    plan: &'a Plan,
    /// Something was read that was chosen.
    some_read: bool,
    /// Something that was chosen is here, and was not due.
    some_rest: bool,
    /// Something is refused that could be read once.
    some_lost: bool,
    /// Tables of which nothing can be told.
    without: Vec<&'a str>,
    refused: Option<SyncError>,
}

impl<'a> Tally<'a> {
    pub(super) fn new(plan: &'a Plan) -> Self {
        Self {
            plan,
            some_read: false,
            some_rest: false,
            some_lost: false,
            without: Vec::new(),
            refused: None,
        }
    }

    pub(super) fn done(&mut self, stream: &'a Stream, requests: u64) {
        let lacks = |of: &str| self.without.contains(&of);
        let of = stream.each.as_ref().map(|each| each.of.as_str());
        match of {
            // There was nothing to ask for, as its parents could not be read.
            Some(of) if requests == 0 && lacks(of) => self.without.push(stream.table()),
            None if requests == 0 => self.some_rest |= self.is_chosen(stream),
            _ => self.some_read |= self.is_chosen(stream),
        }
    }

    /// `was_read`: at an earlier run.
    pub(super) fn skipped(&mut self, stream: &'a Stream, was_read: bool, why: SyncError) {
        self.without.push(stream.table());
        self.some_lost |= was_read;
        self.refused.get_or_insert(why);
    }

    pub(super) fn end(self) -> Result<(), SyncError> {
        let is_fine = self.some_read || (self.some_rest && !self.some_lost);
        match self.refused {
            Some(why) if !is_fine => {
                let message = format!("nothing of what was chosen could be read: {}", why.message);
                Err(SyncError { message, ..why })
            }
            _ => Ok(()),
        }
    }

    /// Definitions of custom fields are read for the sake of others.
    fn is_chosen(&self, stream: &Stream) -> bool {
        let Plan { streams, chosen, .. } = self.plan;
        if chosen.is_empty() {
            return !streams.streams.iter().any(|it| it.fields.as_ref() == Some(&stream.name));
        }
        chosen.iter().any(|it| *it == stream.name || it == stream.table())
    }
}
