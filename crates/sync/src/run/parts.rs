//! Tables that two lists fill, each with a part.

use keyhaven_connectors::streams::Stream;

use super::{Run, Sweep};
use crate::{error::SyncError, source::Source};

impl<S: Source> Run<'_, S> {
    /// Is the list to be read because another part of its table is? A record that went from one part into the other is
    /// missed in the first and found only in the second, unless changes tell of it: both are read in one run.
    pub(super) async fn is_due_with_others(&self, stream: &Stream) -> Result<bool, SyncError> {
        if self.plan.sweep == Sweep::Never || !is_part(stream) {
            return Ok(false);
        }
        let mut before = None;
        for part in self.streams.iter().filter(|it| is_part(it) && it.table() == stream.table()) {
            let state = self.state(&part.name).await?;
            // One that was never read is read anyway.
            if state.finished.is_none() {
                continue;
            }
            // Or the one before it was read just now, or in a run that ended between the two.
            if self.is_due(&state) || state.finished < before {
                return Ok(true);
            }
            before = before.max(state.finished);
        }
        Ok(false)
    }
}

/// Does it fill a part of its table, and not know what changed?
fn is_part(stream: &Stream) -> bool {
    stream.rows.is_some() && stream.changes.is_none() && stream.newest.is_none()
}
