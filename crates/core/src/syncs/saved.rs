//! Syncs that are saved: what is shown of them.

use keyhaven_connectors::streams::Stream;
use keyhaven_store::{Before, RunCounts, SyncRow, SyncRunRow};
use keyhaven_sync::{Deleted, StreamProgress};

use super::Schedule;
use crate::{Ctx, Error, Keyhaven, connections, ctx::Millis, cursor, names, policy::Denied};

/// One saved sync.
#[derive(Clone, Debug)]
pub struct Sync {
    /// `sy_…`.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// The id of the connection that it reads through.
    pub connection: String,
    /// That one's name for programs.
    pub connection_slug: String,
    /// That one's name.
    pub connection_name: String,
    /// That one is in the trash: nothing runs.
    pub is_orphan: bool,
    /// Where it writes, without user and password.
    pub destination: String,
    /// The chosen streams; empty: all.
    pub streams: Vec<String>,
    /// What becomes of deleted records.
    pub deleted: Deleted,
    /// Percent of what is left of the app's budget of today that a run may use.
    pub share: u8,
    /// When it runs by itself.
    pub schedule: Schedule,
    /// It does not run by itself at the moment.
    pub is_paused: bool,
    /// A run is under way.
    pub is_running: bool,
    /// That run shall end.
    pub is_cancelled: bool,
    /// When it runs next.
    pub next_run_at: Option<Millis>,
    /// The last run, or the one that is under way.
    pub last_run: Option<Run>,
    /// When it was saved.
    pub created_at: Millis,
    /// When it was last changed.
    pub updated_at: Millis,
}

/// One run of a sync.
#[derive(Clone, Debug)]
pub struct Run {
    /// `sr_…`.
    pub id: String,
    /// Why it began: `schedule`, `asked` or `goes_on`.
    pub cause: String,
    /// When it began.
    pub began_at: Millis,
    /// When it ended.
    pub finished_at: Option<Millis>,
    /// `running`, `done`, `paused` (it goes on by itself), `cancelled`, `interrupted` or `failed`.
    pub outcome: String,
    /// Why it ended early.
    pub message: Option<String>,
    /// What to do about it.
    pub remedy: Option<String>,
    /// When it goes on by itself.
    pub goes_on_at: Option<Millis>,
    /// What it did.
    pub counts: RunCounts,
    /// Stream by stream.
    pub streams: Vec<StreamProgress>,
}

/// A page of runs.
#[derive(Clone, Debug)]
pub struct RunPage {
    /// Newest first.
    pub items: Vec<Run>,
    /// Cursor of the page after this one.
    pub next: Option<String>,
}

/// How a sync is called that is not there.
pub(super) fn no_sync(which: &str) -> Error {
    Error::NotFound { what: "sync", name: names::shown(which) }
}

/// All syncs that the caller may see, by name; only those of one connection, if one is named.
pub async fn list(app: &Keyhaven, ctx: &Ctx, connection: &str) -> Result<Vec<Sync>, Error> {
    let only =
        if connection.is_empty() { String::new() } else { connections::row(app, ctx, connection).await?.id };
    let mut all = Vec::new();
    for row in app.store.read(&ctx.scope()).syncs(&only).await? {
        if ctx.policy.allows_connection(&row.connection) {
            all.push(view(app, ctx, row).await?);
        }
    }
    Ok(all)
}

/// A sync that was saved and waits for somebody to start it, if there is one.
pub async fn unstarted(app: &Keyhaven, ctx: &Ctx) -> Result<Option<Sync>, Error> {
    for row in app.store.read(&ctx.scope()).syncs("").await? {
        let may_be = row.state == "paused"
            && row.connection_deleted_at.is_none()
            && ctx.policy.allows_connection(&row.connection);
        if may_be
            && let it = view(app, ctx, row).await?
            && it.last_run.is_none()
        {
            return Ok(Some(it));
        }
    }
    Ok(None)
}

/// One sync, by its id, or by its name where only one has it.
pub async fn get(app: &Keyhaven, ctx: &Ctx, which: &str) -> Result<Sync, Error> {
    let row = row(app, ctx, which).await?;
    view(app, ctx, row).await
}

pub(super) async fn row(app: &Keyhaven, ctx: &Ctx, which: &str) -> Result<SyncRow, Error> {
    let mut found: Vec<SyncRow> = app.store.read(&ctx.scope()).syncs("").await?;
    found.retain(|row| {
        (row.id == which || row.name == which) && ctx.policy.allows_connection(&row.connection)
    });
    // A name may look like an id.
    if let Some(at) = found.iter().position(|row| row.id == which) {
        return Ok(found.swap_remove(at));
    }
    match (found.pop(), found.is_empty()) {
        (Some(row), true) => Ok(row),
        (Some(_), false) => Err(Error::SeveralNamed("syncs")),
        // Who is limited to some connections does not learn what others have.
        (None, _) if ctx.policy.connections.is_some() => Err(Denied::Connection.into()),
        (None, _) => Err(no_sync(which)),
    }
}

pub(super) fn chosen(row: &SyncRow) -> Result<Vec<String>, Error> {
    Ok(serde_json::from_str(&row.streams)?)
}

pub(super) fn deleted(word: &str) -> Option<Deleted> {
    match word {
        "" | "keep" => Some(Deleted::Keep),
        "remove" => Some(Deleted::Remove),
        _ => None,
    }
}

/// The schedule of a row. A time zone that is not known any more counts as UTC.
pub(super) fn schedule(row: &SyncRow) -> Schedule {
    let zones = [row.time_zone.as_str(), "UTC"];
    let read = |zone: &&str| Schedule::parse(&row.schedule, zone).ok();
    zones.iter().find_map(read).unwrap_or_else(Schedule::manual)
}

pub(super) async fn view(app: &Keyhaven, ctx: &Ctx, row: SyncRow) -> Result<Sync, Error> {
    let is_running = row.lease_until.is_some_and(|until| until > ctx.now());
    let last = app.store.read(&ctx.scope()).sync_runs(&row.id, &Before::end(), 1).await?.pop();
    let last_run = last.map(|run| run_of(app, run, is_running)).transpose()?;
    Ok(Sync {
        streams: chosen(&row)?,
        deleted: deleted(&row.deleted).unwrap_or_default(),
        schedule: schedule(&row),
        share: u8::try_from(row.share).unwrap_or(50),
        is_paused: row.state == "paused",
        is_orphan: row.connection_deleted_at.is_some(),
        is_cancelled: is_running && row.cancelled,
        next_run_at: row.next_run_at.filter(|_| !is_running && row.connection_deleted_at.is_none()),
        is_running,
        last_run,
        id: row.id,
        name: row.name,
        connection: row.connection,
        connection_slug: row.connection_slug,
        connection_name: row.connection_name,
        destination: row.destination,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}

/// A run as it is told: one that is under way here by what it last said, one whose server is gone as interrupted.
fn run_of(app: &Keyhaven, row: SyncRunRow, is_running: bool) -> Result<Run, Error> {
    let mut run = Run {
        streams: serde_json::from_str(&row.progress)?,
        id: row.id,
        cause: row.cause,
        began_at: row.began_at,
        finished_at: row.finished_at,
        outcome: row.outcome,
        message: row.message,
        remedy: row.remedy,
        goes_on_at: row.goes_on_at,
        counts: row.counts,
    };
    if run.finished_at.is_none() {
        if let Some(progress) = app.live_syncs.progress(&row.sync, &run.id) {
            run.counts = super::runner::counts(&progress);
            run.streams = progress.streams;
        } else if !is_running {
            run.outcome = "interrupted".into();
        }
    }
    Ok(run)
}

/// The runs of a sync, newest first. `limit` is 1 to 200; 0 means 50.
pub async fn runs(
    app: &Keyhaven,
    ctx: &Ctx,
    which: &str,
    limit: u32,
    cursor: Option<&str>,
) -> Result<RunPage, Error> {
    let row = row(app, ctx, which).await?;
    let is_running = row.lease_until.is_some_and(|until| until > ctx.now());
    let (limit, before) = (cursor::limit(limit)?, cursor::before(cursor)?);
    let mut rows = app.store.read(&ctx.scope()).sync_runs(&row.id, &before, limit + 1).await?;
    let next = cursor::next(&mut rows, limit, |it| Before { at: it.began_at, id: it.id.clone() });
    let items = rows.into_iter().map(|run| run_of(app, run, is_running)).collect::<Result<_, _>>()?;
    Ok(RunPage { items, next })
}

/// The file on this server that a sync writes, if it writes one.
pub fn file_of(app: &Keyhaven, it: &Sync) -> Option<String> {
    let (folder, name) = (app.sync_folder.as_ref()?, it.destination.strip_prefix("sqlite:")?);
    let file = folder.join(name);
    Some(std::path::absolute(&file).unwrap_or(file).display().to_string())
}

/// A stream that can be copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    /// What it is called.
    pub name: String,
    /// It has a table of its own. The others come with the table that they share.
    pub is_whole: bool,
    /// A short list that records point at, or what defines their fields; not what people work with day by day.
    pub is_beside: bool,
}

/// The streams that can be copied through a connection, in their order; none where the app has no list of them.
pub fn streams_of(app: &Keyhaven, connector: &str) -> Vec<Kind> {
    let Some(streams) = app.catalogue.get(connector).and_then(|it| it.streams.as_ref()) else {
        return Vec::new();
    };
    // What others need is read first: the first with fields of its own begins the records themselves.
    let beside = streams.streams.iter().position(|it| it.fields.is_some()).unwrap_or_default();
    let kind = |(n, it): (usize, &Stream)| Kind {
        name: it.name.clone(),
        is_whole: it.table.is_none(),
        is_beside: n < beside,
    };
    streams.streams.iter().enumerate().map(kind).collect()
}
