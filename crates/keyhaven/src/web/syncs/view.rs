//! A sync as the pages show it.

use keyhaven_core::{
    Ctx,
    syncs::{Deleted, Run, StreamProgress, StreamStage, Sync},
};

use crate::{
    web::{
        charts::{self, Bar, Frame},
        page::capital,
        view::Time,
    },
    words::{count, grouped, repeated, span},
};

/// One sync.
pub(in crate::web) struct SyncRow {
    pub id: String,
    pub name: String,
    pub connection_slug: String,
    pub connection_name: String,
    /// Where it writes, shortly.
    pub place: String,
    /// The class of its mark: `valid`, `invalid`, `unverified`, `waiting` or `running`.
    pub status: &'static str,
    /// How it stands, in a few words.
    pub title: String,
    pub message: String,
    pub remedy: String,
    pub at: Option<Time>,
    pub next: Option<Time>,
    pub schedule: String,
    /// It has begun, or will in a moment: the page looks again by itself.
    pub is_live: bool,
    pub is_running: bool,
    pub is_cancelled: bool,
    pub is_paused: bool,
    pub is_orphan: bool,
    pub is_new: bool,
    pub last: Option<RunRow>,
}

/// One run.
pub(in crate::web) struct RunRow {
    pub began: Time,
    pub status: &'static str,
    pub outcome: &'static str,
    pub cause: &'static str,
    pub read: String,
    pub written: String,
    pub deleted: String,
    pub requests: String,
    /// `1 request`.
    pub asked: String,
    pub cost: String,
    pub took: String,
    pub message: String,
    /// How many kinds of records are through: `13 of 30`.
    pub through: String,
    /// The kinds that were left out.
    pub skipped: String,
    pub streams: Vec<StreamRow>,
}

/// Where a sync writes, as people call it: a file by its name.
pub(super) fn place(destination: &str) -> &str {
    destination.strip_prefix("sqlite:").unwrap_or(destination)
}

/// Does the list look again by itself?
pub(in crate::web) fn is_any_live(rows: &[SyncRow]) -> bool {
    rows.iter().any(|row| row.is_live)
}

/// A kind of record as people call it: `Deal fields`.
pub(super) fn records(stream: &str) -> String {
    capital(&stream.replace('_', " "))
}

/// One stream of a run.
pub(in crate::web) struct StreamRow {
    pub name: String,
    /// Of 1000, where it can be told.
    pub permille: Option<u16>,
    pub is_reading: bool,
    pub state: &'static str,
    pub rows: String,
    pub written: String,
    pub deleted: String,
    pub requests: String,
    pub note: String,
}

impl SyncRow {
    pub(in crate::web) fn new(ctx: &Ctx, it: &Sync) -> Self {
        let now = ctx.now();
        let time = |at: i64| Time::in_zone(at, now, &it.schedule.time_zone);
        let last = it.last_run.as_ref();
        let is_asked = !it.is_running && it.next_run_at.is_some_and(|at| at <= now);
        let (status, title) = title(it, is_asked);
        let quiet = it.is_running || is_asked || it.is_orphan;
        let said = |text: fn(&Run) -> &Option<String>| {
            last.filter(|_| !quiet).and_then(|run| text(run).clone()).unwrap_or_default()
        };
        Self {
            status,
            title,
            message: said(|run| &run.message),
            remedy: said(|run| &run.remedy),
            at: last.filter(|_| !is_asked).map(|run| time(run.finished_at.unwrap_or(run.began_at))),
            next: it.next_run_at.filter(|_| !is_asked).map(time),
            schedule: it.schedule.words(),
            is_live: it.is_running || is_asked,
            is_running: it.is_running,
            is_cancelled: it.is_cancelled,
            is_paused: it.is_paused,
            is_orphan: it.is_orphan,
            is_new: last.is_none() && !it.is_running && !is_asked,
            last: last.map(|run| RunRow::new(ctx, run)),
            id: it.id.clone(),
            name: it.name.clone(),
            connection_slug: it.connection_slug.clone(),
            connection_name: it.connection_name.clone(),
            place: place(&it.destination).to_owned(),
        }
    }
}

fn title(it: &Sync, is_asked: bool) -> (&'static str, String) {
    if it.is_orphan {
        return ("unverified", "Its connection is deleted".into());
    }
    if it.is_cancelled {
        return ("running", "Ending…".into());
    }
    if it.is_running || is_asked {
        return ("running", if is_asked { "Starting…" } else { "Copying…" }.into());
    }
    match it.last_run.as_ref().map(|run| run.outcome.as_str()) {
        None if it.is_paused => ("waiting", "Not started yet".into()),
        None => ("waiting", "Waits for its first run".into()),
        Some("done") => ("valid", "Up to date".into()),
        Some("failed") => ("invalid", "The last run failed".into()),
        Some(other) => (status(other), word(other).into()),
    }
}

fn status(outcome: &str) -> &'static str {
    match outcome {
        "done" => "valid",
        "running" => "running",
        "failed" => "invalid",
        // Nothing is wrong: it goes on by itself, or somebody wanted it so.
        _ => "waiting",
    }
}

fn word(outcome: &str) -> &'static str {
    match outcome {
        "done" => "Done",
        "running" => "Running",
        "paused" => "Out of budget for now",
        "cancelled" => "Cancelled",
        "interrupted" => "Interrupted",
        _ => "Failed",
    }
}

impl RunRow {
    pub(super) fn new(ctx: &Ctx, it: &Run) -> Self {
        let end = it.finished_at.unwrap_or(ctx.now());
        Self {
            began: Time::new(it.began_at, ctx.now()),
            status: status(&it.outcome),
            outcome: word(&it.outcome),
            cause: match it.cause.as_str() {
                "asked" => "Run by hand",
                "goes_on" => "Went on",
                _ => "By schedule",
            },
            read: grouped(it.counts.rows_read),
            written: grouped(it.counts.rows_written),
            deleted: grouped(it.counts.rows_deleted),
            requests: grouped(it.counts.requests),
            asked: count(it.counts.requests, "request"),
            cost: grouped(it.counts.cost),
            took: span((end - it.began_at) / 1000),
            message: it.message.clone().unwrap_or_default(),
            through: format!(
                "{} of {}",
                it.streams.iter().filter(|it| !is_to_come(it.state)).count(),
                it.streams.len()
            ),
            skipped: skipped(&it.streams),
            streams: it.streams.iter().map(|one| stream(one, it.finished_at.is_some())).collect(),
        }
    }
}

fn skipped(streams: &[StreamProgress]) -> String {
    let all = streams.iter().filter(|it| it.state == StreamStage::Skipped);
    all.map(|it| it.name.replace('_', " ")).collect::<Vec<_>>().join(", ")
}

fn is_to_come(stage: StreamStage) -> bool {
    matches!(stage, StreamStage::Waiting | StreamStage::Reading | StreamStage::Paused)
}

fn stream(it: &StreamProgress, is_over: bool) -> StreamRow {
    // The state says already that it was skipped.
    let note = it.note.as_deref().map(|note| note.trim_start_matches("skipped: ").to_owned());
    let misfits = (it.misfits > 0).then(|| format!("{} did not fit", count(it.misfits, "value")));
    let notes = [it.waits.clone(), note, misfits, repeated(it.repeated)];
    StreamRow {
        name: records(&it.name),
        permille: match it.state {
            StreamStage::Done => Some(1000),
            StreamStage::Reading => it.permille,
            _ => Some(it.permille.unwrap_or(0)),
        },
        is_reading: it.state == StreamStage::Reading,
        state: match it.state {
            StreamStage::Waiting if is_over => "not reached",
            StreamStage::Waiting => "waits",
            StreamStage::Reading => "reading",
            StreamStage::Done => "done",
            StreamStage::Skipped => "skipped",
            StreamStage::Paused => "stopped",
            StreamStage::Failed => "failed",
        },
        rows: grouped(it.rows),
        written: grouped(it.written),
        deleted: grouped(it.deleted),
        requests: grouped(it.requests),
        note: notes.into_iter().flatten().collect::<Vec<_>>().join("; "),
    }
}

const BARS: usize = 30;

/// Records of each run, the oldest first.
pub(super) fn chart(ctx: &Ctx, runs: &[Run]) -> Option<String> {
    let bar = |it: &Run| Bar {
        parts: [it.counts.rows_written, it.counts.rows_deleted],
        title: format!(
            "{}: {} new or changed, {} deleted",
            Time::new(it.began_at, ctx.now()).exact,
            grouped(it.counts.rows_written),
            grouped(it.counts.rows_deleted)
        ),
    };
    // The newest stands where all charts have it, also while there are few.
    let empty = (runs.len()..BARS).map(|_| Bar { parts: [0, 0], title: String::new() });
    let bars: Vec<Bar> = empty.chain(runs.iter().rev().map(bar)).collect();
    let description =
        format!("New, changed and deleted records of the last {}.", count(runs.len() as i64, "run"));
    let frame = Frame { id: "runs", class: "runs", title: "Records of each run", description: &description };
    (runs.len() > 1).then(|| charts::bars(&frame, &bars))
}

/// What becomes of deleted records.
pub(super) fn deleted(it: Deleted) -> &'static str {
    match it {
        Deleted::Keep => "They stay in the copy, with the time in _deleted_at",
        Deleted::Remove => "They are removed from the copy, too",
    }
}
