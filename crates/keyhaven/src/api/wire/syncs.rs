//! Syncs over the wire.

use keyhaven_core::syncs::{self, StreamProgress, deleted_word};
use serde::{Deserialize, Serialize};

use super::time;

/// One saved sync, without the password of its destination.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Sync {
    pub id: String,
    pub name: String,
    pub connection: SyncConnection,
    pub destination: String,
    /// Empty: all.
    pub streams: Vec<String>,
    pub deleted: String,
    /// Percent.
    pub share: u8,
    pub schedule: String,
    pub cron: Option<String>,
    pub schedule_in_words: String,
    pub time_zone: String,
    /// The next times of the schedule.
    pub next_times: Vec<String>,
    /// `active` or `paused`.
    pub state: String,
    pub running: bool,
    pub cancelling: bool,
    pub next_run_at: Option<String>,
    pub last_run: Option<SyncRun>,
    pub created_at: String,
    pub updated_at: String,
}

/// What a sync reads through.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SyncConnection {
    pub id: String,
    pub slug: String,
    pub name: String,
    pub deleted: bool,
}

/// One run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SyncRun {
    pub id: String,
    pub cause: String,
    pub began_at: String,
    pub finished_at: Option<String>,
    pub outcome: String,
    pub message: Option<String>,
    pub remedy: Option<String>,
    pub goes_on_at: Option<String>,
    pub requests: i64,
    pub cost: i64,
    pub rows_read: i64,
    pub rows_written: i64,
    pub rows_deleted: i64,
    pub streams: Vec<StreamProgress>,
}

/// A page of runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SyncRunPage {
    pub items: Vec<SyncRun>,
    pub next_cursor: Option<String>,
}

/// Times of the schedule that are told.
const NEXT_TIMES: usize = 3;

impl Sync {
    pub(crate) fn new(it: syncs::Sync, now: keyhaven_core::Millis) -> Self {
        let schedule = &it.schedule;
        Self {
            deleted: deleted_word(it.deleted).into(),
            cron: schedule.cron(),
            schedule_in_words: schedule.words(),
            next_times: schedule.following(now, NEXT_TIMES).into_iter().map(time).collect(),
            schedule: schedule.text.clone(),
            time_zone: schedule.time_zone.clone(),
            state: if it.is_paused { "paused" } else { "active" }.into(),
            connection: SyncConnection {
                id: it.connection,
                slug: it.connection_slug,
                name: it.connection_name,
                deleted: it.is_orphan,
            },
            id: it.id,
            name: it.name,
            destination: it.destination,
            streams: it.streams,
            share: it.share,
            running: it.is_running,
            cancelling: it.is_cancelled,
            next_run_at: it.next_run_at.map(time),
            last_run: it.last_run.map(SyncRun::from),
            created_at: time(it.created_at),
            updated_at: time(it.updated_at),
        }
    }
}

impl From<syncs::Run> for SyncRun {
    fn from(it: syncs::Run) -> Self {
        Self {
            id: it.id,
            cause: it.cause,
            began_at: time(it.began_at),
            finished_at: it.finished_at.map(time),
            outcome: it.outcome,
            message: it.message,
            remedy: it.remedy,
            goes_on_at: it.goes_on_at.map(time),
            requests: it.counts.requests,
            cost: it.counts.cost,
            rows_read: it.counts.rows_read,
            rows_written: it.counts.rows_written,
            rows_deleted: it.counts.rows_deleted,
            streams: it.streams,
        }
    }
}

impl From<syncs::RunPage> for SyncRunPage {
    fn from(it: syncs::RunPage) -> Self {
        Self { items: it.items.into_iter().map(SyncRun::from).collect(), next_cursor: it.next }
    }
}
