//! The background worker: verifies again, destroys what was deleted long ago, forgets old history.

use std::{sync::Arc, time::Duration};

use keyhaven_store::JobRow;
use tokio::{sync::watch, task::JoinSet, time};

use crate::{Actor, Ctx, Error, Keyhaven, connections, ctx::Millis, usage};

/// Verify one connection again.
pub(crate) const VERIFY: &str = "verify";
/// Destroy one deleted connection.
pub(crate) const PURGE: &str = "purge";
/// Forget old history, usage, sessions and idempotency keys.
pub(crate) const TIDY: &str = "tidy";

/// A worker that has not reported back by then is taken for dead, and its job comes back.
const LEASE: Millis = 60_000;
/// Verifications at the same time, so that many due ones do not go out all at once.
const AT_ONCE: usize = 4;
/// The longest sleep; also how soon jobs of other processes on the same database are seen.
const NAP: Duration = Duration::from_secs(15);
const TIDY_EVERY: Millis = 6 * 60 * 60 * 1000;
/// Rows of usage that are forgotten in one transaction.
const BITE: i64 = 2_000;

/// Works until `stop` changes or its sender is gone; then finishes what it has begun.
pub async fn run(app: Arc<Keyhaven>, mut stop: watch::Receiver<bool>) {
    let ctx = app.ctx(Actor::System);
    if let Err(error) = schedule_tidy(&app, &ctx).await {
        tracing::error!(%error, "cannot schedule the clean-up");
    }
    let mut running = JoinSet::new();
    loop {
        let free = AT_ONCE - running.len();
        match app.store.claim_due(ctx.now(), ctx.now() + LEASE, free as i64).await {
            Ok(due) => due.into_iter().for_each(|job| {
                running.spawn(work(app.clone(), job));
            }),
            Err(error) => tracing::error!(%error, "cannot look for due jobs"),
        }
        let nap = nap(&app, &ctx).await;
        tokio::select! {
            _ = running.join_next(), if !running.is_empty() => {}
            () = time::sleep(nap), if running.len() < AT_ONCE => {}
            () = app.job_scheduled.notified() => {}
            _ = stop.changed() => break,
        }
    }
    while running.join_next().await.is_some() {}
}

async fn nap(app: &Keyhaven, ctx: &Ctx) -> Duration {
    let due = app.store.next_due().await.ok().flatten();
    let wait = due.map_or(NAP, |at| Duration::from_millis(at.saturating_sub(ctx.now()).max(200) as u64));
    wait.min(NAP)
}

async fn work(app: Arc<Keyhaven>, job: JobRow) {
    let mut ctx = app.ctx(Actor::System);
    ctx.workspace = job.workspace.as_str().into();
    let done = match job.kind.as_str() {
        VERIFY => connections::verify_in_background(&app, &ctx, &job.subject).await,
        PURGE => connections::purge(&app, &ctx, &job.subject).await,
        TIDY => tidy(&app, &ctx).await,
        other => {
            tracing::error!(kind = other, "a job of an unknown kind; a newer version may have left it");
            return;
        }
    };
    if let Err(error) = done {
        // The lease stays: the job comes back when it ends.
        tracing::error!(%error, kind = job.kind, subject = job.subject, attempts = job.attempts, "a job failed");
    }
}

async fn schedule_tidy(app: &Keyhaven, ctx: &Ctx) -> Result<(), Error> {
    let mut tx = app.store.begin(&ctx.scope()).await?;
    tx.ensure_job(TIDY, "", ctx.now() + ctx.jitter(60_000)).await?;
    Ok(tx.commit().await?)
}

async fn tidy(app: &Keyhaven, ctx: &Ctx) -> Result<(), Error> {
    forget_usage(app, ctx).await?;
    let mut tx = app.store.begin(&ctx.scope()).await?;
    tx.prune(ctx.now() - connections::HISTORY_LIVES).await?;
    tx.prune_sync_runs(ctx.now() - connections::HISTORY_LIVES).await?;
    tx.schedule_job(TIDY, "", ctx.now() + ctx.jitter(TIDY_EVERY)).await?;
    Ok(tx.commit().await?)
}

/// In small bites: nobody who wants to save something waits for all of it.
async fn forget_usage(app: &Keyhaven, ctx: &Ctx) -> Result<(), Error> {
    let calls_since = ctx.now() - app.keep_calls.as_millis() as Millis;
    loop {
        let mut tx = app.store.begin(&ctx.scope()).await?;
        let more = tx.prune_usage(calls_since, ctx.now() - usage::MINUTES_LIVE, BITE).await?;
        tx.commit().await?;
        if !more {
            return Ok(());
        }
    }
}
