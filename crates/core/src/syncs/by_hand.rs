//! A sync that somebody runs where they are: with this machine's data, or through a server.

use std::sync::Arc;

use jiff::Timestamp;
use keyhaven_connectors::Connector;
use keyhaven_sync::{Clock as Moment, Deleted, Destination, Failure, Plan, Sweep, SyncError};

use crate::Clock;

/// What somebody wants copied.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Where to, such as `sqlite:crm.db`.
    pub to: String,
    /// Which streams; empty: all.
    pub streams: Vec<String>,
    /// What becomes of deleted records.
    pub deleted: Deleted,
    /// When to look for them.
    pub sweep: Sweep,
    /// The share of what is left of today's budget: above 0, at most 1.
    pub share: f64,
}

impl Wanted {
    /// The plan of a run for one connection, known by id and by its name for programs.
    pub fn plan(
        &self,
        connector: &Connector,
        id: &str,
        slug: &str,
        clock: Arc<dyn Clock>,
    ) -> Result<Plan, SyncError> {
        let streams = connector.streams.clone().ok_or_else(|| {
            let message = format!("Keyhaven does not know what to copy from {}", connector.name);
            SyncError::new(
                Failure::Usage,
                message,
                "Use a connection of an app that has streams, such as Pipedrive.",
            )
        })?;
        let plan = Plan {
            streams: Arc::new(streams),
            chosen: self.streams.clone(),
            destination: Destination::parse(&self.to, &slug.replace('-', "_"))?,
            source: id.to_owned(),
            deleted: self.deleted,
            sweep: self.sweep,
            share: self.share,
            clock: moments(clock),
        };
        keyhaven_sync::expand(&plan.streams, &plan.chosen)?;
        Ok(plan)
    }
}

/// The same clock in the words of a sync.
pub(crate) fn moments(clock: Arc<dyn Clock>) -> Moment {
    Arc::new(move || Timestamp::from_millisecond(clock.now()).unwrap_or_default())
}
