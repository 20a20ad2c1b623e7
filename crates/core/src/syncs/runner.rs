//! Runs what is due, in the server. A sync is held by a lease while it runs: no two servers ever run the same one, and a
//! dead server's comes back when its lease ends.

use std::{sync::Arc, time::Duration};

use keyhaven_store::{Held, RunCounts, RunEnd, SyncRow};
use keyhaven_sync::{Failure, Progress, Report, SyncError, Teller};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{self, Instant, MissedTickBehavior},
};

use super::{
    plan,
    saved::{row, schedule},
    schedule::midnight_after,
};
use crate::{Actor, Ctx, Error, Keyhaven, ctx::Millis};

/// Runs at the same time in one server.
const AT_ONCE: usize = 2;
/// A server that has not renewed its lease by then is taken for dead.
const LEASE: Millis = 30_000;
/// How often a run renews its lease, hears whether it shall end, and is written down for others to see.
const BEAT: Duration = Duration::from_secs(2);
/// A run that could not renew its lease for so long ends: soon after, somebody else may have the sync.
const ALONE: Duration = Duration::from_secs(20);
/// A run that shall end, and whose destination does not answer, is waited for no longer than this.
const GRACE: Duration = Duration::from_secs(5);
/// The longest sleep; also how soon what other processes ask for is seen.
const NAP: Duration = Duration::from_secs(5);
/// Apps do not count their day anew all in the same second.
const AFTER_MIDNIGHT: Millis = 2 * 60_000;

/// Runs due syncs until `stop` changes or its sender is gone. Then it has the runs end; they go on at the next start.
pub async fn run_due(app: Arc<Keyhaven>, mut stop: watch::Receiver<bool>) {
    let ctx = app.ctx(Actor::System);
    let (end, ending) = watch::channel(false);
    let mut running = JoinSet::new();
    loop {
        let free = AT_ONCE.saturating_sub(running.len());
        match claim(&app, &ctx, free, "").await {
            Ok(due) => due.into_iter().for_each(|(workspace, id)| {
                running.spawn(work(app.clone(), workspace, id, ending.clone()));
            }),
            Err(error) => tracing::error!(%error, "cannot look for due syncs"),
        }
        let nap = nap(&app, &ctx).await;
        tokio::select! {
            _ = running.join_next(), if !running.is_empty() => {}
            () = time::sleep(nap), if running.len() < AT_ONCE => {}
            () = app.sync_due.notified() => {}
            _ = stop.changed() => break,
        }
    }
    let _ = end.send(true);
    while running.join_next().await.is_some() {}
}

/// Runs one sync in this process, if it is due and nobody has it; `false` if not.
pub async fn run_one(app: Arc<Keyhaven>, id: &str, stop: watch::Receiver<bool>) -> Result<bool, Error> {
    let ctx = app.ctx(Actor::System);
    let Some((workspace, id)) = claim(&app, &ctx, 1, id).await?.pop() else { return Ok(false) };
    work(app, workspace, id, stop).await;
    Ok(true)
}

async fn claim(app: &Keyhaven, ctx: &Ctx, most: usize, only: &str) -> Result<Vec<(String, String)>, Error> {
    if most == 0 {
        return Ok(Vec::new());
    }
    let now = ctx.now();
    Ok(app.store.claim_syncs(app.run_name(), now, now + LEASE, most as i64, only).await?)
}

async fn nap(app: &Keyhaven, ctx: &Ctx) -> Duration {
    let due = app.store.next_sync_due().await.ok().flatten();
    let wait = due.map_or(NAP, |at| Duration::from_millis(at.saturating_sub(ctx.now()).max(200) as u64));
    wait.min(NAP)
}

async fn work(app: Arc<Keyhaven>, workspace: String, id: String, ending: watch::Receiver<bool>) {
    let mut ctx = app.ctx(Actor::Sync(id.clone()));
    ctx.workspace = workspace.into();
    if let Err(error) = run(&app, &ctx, &id, ending).await {
        // The lease stays: the sync comes back when it ends.
        tracing::error!(%error, sync = id, "a sync could not be run");
    }
    app.live_syncs.end(&id);
}

async fn run(app: &Arc<Keyhaven>, ctx: &Ctx, id: &str, ending: watch::Receiver<bool>) -> Result<(), Error> {
    let row = row(app, ctx, id).await?;
    let run = ctx.new_id("sr");
    let mut tx = app.store.begin(&ctx.scope()).await?;
    let message = "The server that ran it ended before the run did.";
    let left =
        tx.interrupt_sync_runs(id, message, "Nothing: the next run goes on where this one was.").await?;
    let cause = if left > 0 { "goes_on" } else { &row.cause };
    tx.begin_sync_run(&run, id, cause).await?;
    ctx.audit_details(&mut tx, "sync.start", id, &serde_json::json!({ "name": row.name, "run": run }))
        .await?;
    tx.commit().await?;

    let (teller, told) = Teller::new();
    app.live_syncs.begin(id, &run, told.clone());
    let (cancel, cancelled) = watch::channel(false);
    let engine = async {
        match plan::ready(app, ctx, &row).await {
            Ok(Ok(ready)) => {
                let teller = expecting(teller, &ready, cancelled.clone()).await;
                keyhaven_sync::run(&ready.source, &ready.plan, &teller, cancelled).await
            }
            Ok(Err(error)) => Err(error),
            Err(error) => {
                tracing::warn!(%error, sync = id, "a sync could not begin");
                Err(SyncError::new(Failure::Usage, error.message(), error.remedy()))
            }
        }
    };
    // Whichever is not over is dropped, and with it what it holds of the database.
    let done = tokio::select! {
        done = engine => done,
        end = watch(app, ctx, id, &run, told.clone(), &cancel, ending.clone()) => match end {
            End::Lost => return Ok(()),
            End::Unheard => Err(unheard()),
        },
    };
    let last = told.borrow().clone();
    if let Err(error) = note(app, &run, &last).await {
        tracing::warn!(%error, sync = id, "the last figures of a run are lost");
    }
    let is_ending = *ending.borrow();
    finish(app, ctx, &row.id, &run, done, is_ending).await
}

/// With what the run will take, so that it can be told how far it is: a few cheap questions before a first run, none
/// later. What stands in the way is told by the run itself.
async fn expecting(teller: Teller, ready: &plan::Ready, mut cancelled: watch::Receiver<bool>) -> Teller {
    let estimate = tokio::select! {
        it = keyhaven_sync::estimate_run(&ready.source, &ready.plan) => it.ok(),
        _ = cancelled.wait_for(|it| *it) => None,
    };
    match estimate {
        Some(estimate) => teller.expecting(&estimate),
        None => teller,
    }
}

/// Why a run is dropped.
enum End {
    /// Somebody else has it.
    Lost,
    /// It shall end, and does not.
    Unheard,
}

fn unheard() -> SyncError {
    let message = "the sync was cancelled while the destination did not answer";
    SyncError::new(Failure::Cancelled, message, "Look whether another program holds the destination locked.")
}

/// Beats while the run is under way; ends by itself only where the run must be dropped.
async fn watch(
    app: &Keyhaven,
    ctx: &Ctx,
    id: &str,
    run: &str,
    told: watch::Receiver<Progress>,
    cancel: &watch::Sender<bool>,
    mut ending: watch::Receiver<bool>,
) -> End {
    let mut beat = time::interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut renewed = Instant::now();
    let mut noted = Progress::default();
    let mut cancelled = None;
    loop {
        if *cancel.borrow() && cancelled.get_or_insert_with(Instant::now).elapsed() >= GRACE {
            tracing::warn!(sync = id, "a sync was ended while its destination did not answer");
            return End::Unheard;
        }
        tokio::select! {
            _ = beat.tick() => {}
            changed = ending.changed(), if !*cancel.borrow() => {
                let _ = cancel.send(true);
                // Whoever stops is gone: there is nothing to hear any more.
                if changed.is_err() { time::sleep(BEAT).await; }
            }
        }
        match app.store.renew_sync(id, app.run_name(), ctx.now() + LEASE).await {
            Ok(Held::Yes) => renewed = Instant::now(),
            Ok(Held::Cancelled) => {
                renewed = Instant::now();
                let _ = cancel.send(true);
            }
            Ok(Held::No) => {
                tracing::warn!(sync = id, "a sync was taken over or deleted while it ran");
                return End::Lost;
            }
            Err(error) if renewed.elapsed() > ALONE => {
                tracing::error!(%error, sync = id, "a sync ends: its lease cannot be renewed");
                return End::Lost;
            }
            Err(error) => tracing::warn!(%error, sync = id, "the lease of a sync was not renewed"),
        }
        let now = told.borrow().clone();
        if now != noted
            && let Ok(()) = note(app, run, &now).await
        {
            noted = now;
        }
    }
}

/// What is kept of a run's progress beside its streams.
pub(super) fn counts(progress: &Progress) -> RunCounts {
    let total = progress.total();
    let number = |it: u64| i64::try_from(it).unwrap_or(i64::MAX);
    RunCounts {
        requests: number(total.requests),
        cost: number(total.cost),
        rows_read: number(total.rows),
        rows_written: number(total.written),
        rows_deleted: number(total.deleted),
    }
}

async fn note(app: &Keyhaven, run: &str, progress: &Progress) -> Result<(), Error> {
    let text = serde_json::to_string(&progress.streams)?;
    Ok(app.store.note_sync_run(run, &counts(progress), &text).await?)
}

async fn finish(
    app: &Keyhaven,
    ctx: &Ctx,
    id: &str,
    run: &str,
    done: Result<Report, SyncError>,
    is_ending: bool,
) -> Result<(), Error> {
    let now = ctx.now();
    // The schedule may have been changed meanwhile.
    let row: SyncRow = row(app, ctx, id).await?;
    let scheduled = schedule(&row).next(now);
    let stopped = match &done {
        Ok(report) => report.stopped.as_ref(),
        Err(error) => Some(error),
    };
    let kind = stopped.map(|error| error.kind);
    let (outcome, cause, next) = match kind {
        None => ("done", "schedule", scheduled),
        Some(Failure::Budget) => {
            let at = midnight_after(now) + ctx.jitter(AFTER_MIDNIGHT);
            ("paused", "goes_on", Some(scheduled.map_or(at, |next| next.min(at))))
        }
        Some(Failure::Cancelled) if is_ending => ("interrupted", "goes_on", Some(now)),
        Some(Failure::Cancelled) => ("cancelled", "schedule", scheduled),
        Some(_) => ("failed", "schedule", scheduled),
    };
    let (mut message, mut remedy) =
        (stopped.map(|it| capital(&it.message)), stopped.map(|it| it.remedy.clone()));
    if outcome == "interrupted" {
        message = Some("The server was stopped.".into());
        remedy = Some("Nothing: it goes on when the server runs again.".into());
    }
    let is_paused = row.state == "paused";
    let goes_on_at = next.filter(|_| cause == "goes_on" && (!is_paused || outcome == "interrupted"));
    let mut tx = app.store.begin(&ctx.scope()).await?;
    let end = RunEnd { outcome: outcome.into(), message, remedy, goes_on_at };
    tx.end_sync_run(run, &end).await?;
    tx.release_sync(id, app.run_name(), cause, next, outcome == "interrupted").await?;
    tx.commit().await?;
    tracing::info!(sync = id, outcome, "a sync has run");
    Ok(())
}

fn capital(text: &str) -> String {
    let mut letters = text.trim_end_matches('.').chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", letters.as_str())
}
