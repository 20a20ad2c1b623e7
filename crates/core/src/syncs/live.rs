//! Runs that are under way in this process.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use keyhaven_sync::Progress;
use tokio::sync::watch;

/// What is told of each, by the sync's id.
#[derive(Default)]
pub(crate) struct LiveSyncs(Mutex<HashMap<String, (String, watch::Receiver<Progress>)>>);

impl LiveSyncs {
    /// A run tells here how it stands.
    pub(super) fn begin(&self, sync: &str, run: &str, told: watch::Receiver<Progress>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(sync.into(), (run.into(), told));
    }

    pub(super) fn end(&self, sync: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(sync);
    }

    /// How that run of that sync stands, if it is under way here.
    pub(super) fn progress(&self, sync: &str, run: &str) -> Option<Progress> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(sync).filter(|(known, _)| known == run).map(|(_, told)| told.borrow().clone())
    }
}
