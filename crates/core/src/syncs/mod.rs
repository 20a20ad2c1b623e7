//! Copying an app's records into a database.

mod by_hand;
mod source;

pub use by_hand::Wanted;
pub use keyhaven_sync::{
    Deleted, Destination, Estimate, Failure, Plan, Progress, Report, StreamEstimate, StreamProgress,
    StreamStage, Sweep, SyncError, Teller, estimate, expand, run,
};
pub use source::AppSource;
