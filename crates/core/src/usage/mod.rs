//! What goes through a connection: recorded off the hot path, counted by minute, and read by the pages.

mod batch;
mod budget;
mod read;
mod recorder;
mod stop;
mod writer;

use std::sync::Arc;

use crate::ctx::Millis;

pub use budget::{Budget, Counted, Told, budget};
pub(crate) use budget::{ToldBudgets, forget_told_budget, last_told};
pub use keyhaven_store::{CallRow as RecentCall, TokenUsage, UsageCounts};
pub use read::{Bucket, CallPage, Overview, Summary, Window, by_token, overview, recent, summary};
pub use recorder::Recorder;
pub(crate) use stop::{STOP, stop, stop_from, stopped_until};
pub use writer::{run, write};

/// Minutes are kept this long.
pub(crate) const MINUTES_LIVE: Millis = 90 * DAY;
pub(crate) const MINUTE: Millis = 60_000;
pub(crate) const HOUR: Millis = 60 * MINUTE;
pub(crate) const DAY: Millis = 24 * HOUR;

/// One call that was answered.
#[derive(Clone, Debug)]
pub struct Call {
    /// The connection's id.
    pub connection: Arc<str>,
    /// The id of the access token, or the word of another actor, such as `command-line`.
    pub token: Arc<str>,
    /// When it came.
    pub at: Millis,
    /// Its method.
    pub method: http::Method,
    /// Its path at the app, without the query.
    pub path: String,
    /// What the caller was answered.
    pub status: u16,
    /// How long the app took, in milliseconds; where it was not asked, Keyhaven.
    pub ms: u32,
    /// How long it waited for its turn before, in milliseconds.
    pub waited_ms: u32,
    /// What it cost of the app's budget.
    pub cost: u32,
    /// Whose answer it was.
    pub source: Source,
}

/// Whose answer it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The app's.
    App,
    /// Keyhaven's own: below 500 it refused the call, above it could not reach the app.
    Keyhaven,
}

impl Source {
    /// The machine word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Keyhaven => "keyhaven",
        }
    }
}
