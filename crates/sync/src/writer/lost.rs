//! What somebody else removed from the destination is written again.

use keyhaven_connectors::streams::Streams;

use super::Writer;
use crate::{error::SyncError, state};

impl Writer {
    /// A stream whose table was dropped begins anew.
    pub(crate) fn forget_lost(&mut self, streams: &Streams) -> Result<(), SyncError> {
        for stream in &streams.streams {
            if !self.objects.contains_key(stream.table()) && self.states.remove(&stream.name).is_some() {
                state::forget_stream(self.db.as_mut(), &stream.name)?;
            }
        }
        Ok(())
    }

    /// Lists that look as before are written all the same.
    pub(crate) fn forget_looks(&mut self) -> Result<(), SyncError> {
        self.states.values_mut().for_each(|it| it.digest = None);
        state::forget_looks(self.db.as_mut())
    }
}
