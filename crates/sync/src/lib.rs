//! Copies an app's records into a database that people can read. Where the records come from is the caller's: a
//! [`Source`] that adds the credential. docs/SYNC.md tells what a person gets.

mod database;
mod desk;
mod destination;
mod error;
mod estimate;
mod fields;
mod names;
mod page;
#[cfg(feature = "parquet")]
mod parquet;
mod progress;
mod run;
mod source;
mod state;
mod views;
mod writer;

pub use destination::Destination;
pub use error::{Failure, SyncError};
pub use estimate::{Estimate, StreamEstimate, estimate, estimate_run};
#[cfg(feature = "parquet")]
pub use parquet::Files;
pub use progress::{Progress, StreamProgress, StreamStage, Teller};
pub use run::{Clock, Plan, Report, Sweep, expand, run};
pub use source::{Answer, Budget, Burst, Refused, Source};
pub use writer::Deleted;
