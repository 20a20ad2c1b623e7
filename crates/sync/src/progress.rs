//! How a run stands, for whoever watches.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::estimate::{Estimate, Looked};

/// How one stream stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamProgress {
    /// The stream.
    pub name: String,
    /// Where it is.
    pub state: StreamStage,
    /// Requests so far.
    pub requests: u64,
    /// Of these, such as had to be made once more, because the app failed or did not answer.
    #[serde(default)]
    pub repeated: u64,
    /// What they cost of the app's daily budget.
    pub cost: u64,
    /// Records read.
    pub rows: u64,
    /// Of these, new or different.
    pub written: u64,
    /// Found to be deleted.
    pub deleted: u64,
    /// Values that fit no column.
    pub misfits: u64,
    /// How far it is, in thousandths, where that can be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permille: Option<u16>,
    /// Why nothing moves just now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits: Option<String>,
    /// What a person should know, such as why it was skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Where a stream is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamStage {
    /// Not begun.
    #[default]
    Waiting,
    /// Under way.
    Reading,
    /// Up to date.
    Done,
    /// Not read, and why is said.
    Skipped,
    /// Part of it is left for later.
    Paused,
    /// It failed.
    Failed,
}

/// How a run stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Each stream, in order.
    pub streams: Vec<StreamProgress>,
}

impl Progress {
    /// All streams added up.
    pub fn total(&self) -> StreamProgress {
        self.streams.iter().fold(StreamProgress::default(), |sum, it| StreamProgress {
            requests: sum.requests + it.requests,
            repeated: sum.repeated + it.repeated,
            cost: sum.cost + it.cost,
            rows: sum.rows + it.rows,
            written: sum.written + it.written,
            deleted: sum.deleted + it.deleted,
            misfits: sum.misfits + it.misfits,
            ..StreamProgress::default()
        })
    }
}

/// Where a run tells how it stands.
#[derive(Clone, Debug)]
pub struct Teller {
    progress: watch::Sender<Progress>,
    /// How many requests each stream is expected to take.
    expected: HashMap<String, u64>,
    /// Requests that told that, and their cost.
    looked: HashMap<String, Looked>,
}

/// Nothing is done before it is said to be.
const NEARLY: u64 = 990;

impl Teller {
    /// One, and where to watch.
    pub fn new() -> (Self, watch::Receiver<Progress>) {
        let (progress, told) = watch::channel(Progress::default());
        (Self { progress, expected: HashMap::new(), looked: HashMap::new() }, told)
    }

    /// With what a run is expected to take, it can be told how far it is.
    #[must_use]
    pub fn expecting(mut self, estimate: &Estimate) -> Self {
        self.expected = estimate.streams.iter().map(|it| (it.name.clone(), it.requests)).collect();
        self.looked.clone_from(&estimate.looked);
        self
    }

    /// What looking how much there is has cost.
    pub(crate) fn looked(&self) -> u64 {
        self.looked.values().map(|it| it.cost).sum()
    }

    /// One more request was made.
    pub(crate) fn asked(&self, name: &str, cost: u64) {
        self.comes_on(name, |it| {
            it.waits = None;
            it.requests += 1;
            it.cost += cost;
        });
    }

    /// It is made once more.
    pub(crate) fn repeats(&self, name: &str) {
        self.comes_on(name, |it| it.repeated += 1);
    }

    fn comes_on(&self, name: &str, change: impl FnOnce(&mut StreamProgress)) {
        let expected = self.expected.get(name).copied().filter(|it| *it > 0);
        let before = self.looked.get(name).map_or(0, |it| it.requests);
        self.stream(name, |it| {
            change(it);
            let made = it.requests.saturating_sub(it.repeated + before);
            let far = expected.map(|expected| (1000 * made / expected).min(NEARLY));
            it.permille = far.and_then(|far| u16::try_from(far).ok()).or(it.permille);
        });
    }

    pub(crate) fn begin(&self, names: impl Iterator<Item = String>) {
        let begun = |name: String| {
            let Looked { requests, cost } = self.looked.get(&name).copied().unwrap_or_default();
            StreamProgress { name, requests, cost, ..StreamProgress::default() }
        };
        let streams = names.map(begun).collect();
        self.progress.send_replace(Progress { streams });
    }

    pub(crate) fn stream(&self, name: &str, change: impl FnOnce(&mut StreamProgress)) {
        self.progress.send_modify(|progress| {
            if let Some(stream) = progress.streams.iter_mut().find(|it| it.name == name) {
                change(stream);
            }
        });
    }

    /// How many requests a stream has taken.
    pub(crate) fn requests(&self, name: &str) -> u64 {
        self.progress.borrow().streams.iter().find(|it| it.name == name).map_or(0, |it| it.requests)
    }

    pub(crate) fn now(&self) -> Progress {
        self.progress.borrow().clone()
    }
}
