//! What a run is to do, and how it went.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use keyhaven_connectors::streams::{Stream, Streams};

use crate::{
    destination::Destination,
    error::{Failure, SyncError},
    progress::Progress,
    state::StreamState,
    writer::Deleted,
};

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// When whole lists are read again, to find what is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sweep {
    /// A list of one page each time; a longer one after as many minutes as it has further pages, at most a day.
    #[default]
    Due,
    /// In this run, to the end.
    Always,
    /// Not in this run.
    Never,
}

/// What a run is to do.
#[derive(Clone)]
pub struct Plan {
    /// What the app has.
    pub streams: Arc<Streams>,
    /// Which of it; empty: all.
    pub chosen: Vec<String>,
    /// Where it goes.
    pub destination: Destination,
    /// Whose records they are; a destination holds those of one.
    pub source: String,
    /// What becomes of deleted records.
    pub deleted: Deleted,
    /// When to look for them.
    pub sweep: Sweep,
    /// The share of what is left of today's budget that may be used: above 0, at most 1.
    pub share: f64,
    /// The time.
    pub clock: Clock,
}

/// How a run ended.
#[derive(Clone, Debug)]
pub struct Report {
    /// When it began.
    pub began: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
    /// What was done.
    pub progress: Progress,
    /// Why it ended early, if it did.
    pub stopped: Option<SyncError>,
}

impl Report {
    /// The machine word: `done`, `paused` (it goes on at the next run), `cancelled`, or `failed`.
    pub fn outcome(&self) -> &'static str {
        match self.stopped.as_ref().map(|error| error.kind) {
            None => "done",
            Some(Failure::Budget) => "paused",
            Some(Failure::Cancelled) => "cancelled",
            Some(_) => "failed",
        }
    }
}

/// In minutes.
const LONGEST_BETWEEN_SWEEPS: i64 = 24 * 60;

/// The chosen streams, with those that they need, in order.
pub fn expand<'a>(streams: &'a Streams, chosen: &[String]) -> Result<Vec<&'a Stream>, SyncError> {
    if let Some(unknown) = chosen.iter().find(|name| streams.get(name).is_none()) {
        let all: Vec<&str> = streams.streams.iter().map(|it| it.name.as_str()).collect();
        let message = format!("there is no stream {unknown}");
        return Err(SyncError::new(Failure::Usage, message, format!("Choose from: {}.", all.join(", "))));
    }
    let is_chosen = |name: &str| chosen.is_empty() || chosen.iter().any(|it| it == name);
    let wanted = |stream: &Stream| is_chosen(&stream.name) || is_chosen(stream.table());
    let parents: Vec<&str> = streams
        .streams
        .iter()
        .filter(|it| wanted(it))
        .filter_map(|it| it.each.as_ref())
        .map(|each| each.of.as_str())
        .collect();
    let wanted = |stream: &Stream| wanted(stream) || parents.contains(&stream.table());
    let needed: Vec<&str> = streams
        .streams
        .iter()
        .filter(|it| wanted(it))
        .filter_map(|it| streams.describing(it.table())?.fields.as_deref())
        .collect();
    Ok(streams.streams.iter().filter(|it| wanted(it) || needed.contains(&it.name.as_str())).collect())
}

/// Is the whole list to be read again?
pub(crate) fn is_due(plan: &Plan, state: &StreamState) -> bool {
    match plan.sweep {
        Sweep::Always => true,
        Sweep::Never => false,
        Sweep::Due => {
            let Some(finished) = state.finished.as_deref().and_then(|it| it.parse::<Timestamp>().ok()) else {
                return true;
            };
            let further = i64::try_from(state.requests.saturating_sub(1)).unwrap_or(i64::MAX);
            let wait = SignedDuration::from_mins(further.min(LONGEST_BETWEEN_SWEEPS));
            let since = (plan.clock)().duration_since(finished);
            // A time that has not come yet was told by a clock that went wrong.
            since >= wait || since.is_negative()
        }
    }
}
