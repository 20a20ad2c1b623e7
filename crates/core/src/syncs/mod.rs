//! Copying an app's records into a database: by hand, and saved syncs that the server runs.

mod by_hand;
mod change;
mod destination;
mod folder;
mod live;
mod plan;
mod runner;
mod saved;
mod schedule;
mod source;

pub use by_hand::Wanted;
pub use change::{SyncInput, cancel, change, create, delete, pause, resume, run_now, start};
pub use keyhaven_store::RunCounts;
pub use keyhaven_sync::{
    Deleted, Destination, Estimate, Failure, Plan, Progress, Report, StreamEstimate, StreamProgress,
    StreamStage, Sweep, SyncError, Teller, estimate, estimate_run, expand, run,
};
pub(crate) use live::LiveSyncs;
pub use plan::estimate_saved;
pub use runner::{run_due, run_one};
pub use saved::{Kind, Run, RunPage, Sync, file_of, get, list, runs, streams_of, unstarted};
pub use schedule::Schedule;
pub use source::AppSource;

use saved::no_sync;

/// The machine word.
pub fn deleted_word(deleted: Deleted) -> &'static str {
    match deleted {
        Deleted::Keep => "keep",
        Deleted::Remove => "remove",
    }
}
