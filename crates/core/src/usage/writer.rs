//! The disk's end of it: one transaction each second.

use std::{sync::Arc, time::Duration};

use keyhaven_store::StoreError;
use tokio::{
    sync::watch,
    time::{self, MissedTickBehavior},
};

use super::batch::Batch;
use crate::{Actor, Ctx, Keyhaven};

/// How often; and what a crash loses at most.
const EVERY: Duration = Duration::from_secs(1);

/// Writes each second what was recorded, until `stop` changes or its sender is gone; then what is left.
pub async fn run(app: Arc<Keyhaven>, mut stop: watch::Receiver<bool>) {
    let ctx = app.ctx(Actor::System);
    let mut waiting = Batch::default();
    let mut failing = false;
    let mut tick = time::interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let last = tokio::select! {
            _ = tick.tick() => false,
            _ = stop.changed() => true,
        };
        waiting.add(take(&app));
        let written = flush(&app, &ctx, &mut waiting).await;
        match &written {
            Err(error) if !failing => {
                tracing::warn!(%error, "usage cannot be written yet; its counters are kept")
            }
            Ok(()) if failing => tracing::info!("usage is written again"),
            _ => {}
        }
        failing = written.is_err();
        if waiting.lost > 0 {
            tracing::warn!(calls = waiting.lost, "more calls than could be counted");
            waiting.lost = 0;
        }
        if last {
            if failing {
                let calls: i64 = waiting.minutes.values().map(|counts| counts.calls).sum();
                tracing::error!(calls, "the usage of these calls is lost");
            }
            return;
        }
    }
}

/// Writes what was recorded so far: for programs that do not run for long.
pub async fn write(app: &Keyhaven) -> Result<(), StoreError> {
    flush(app, &app.ctx(Actor::System), &mut take(app)).await
}

fn take(app: &Keyhaven) -> Batch {
    Batch { told: app.new_told_budgets(), ..app.recorder.take() }
}

async fn flush(app: &Keyhaven, ctx: &Ctx, waiting: &mut Batch) -> Result<(), StoreError> {
    if waiting.is_empty() {
        return Ok(());
    }
    let (minutes, calls, told) = waiting.rows(ctx);
    let written = app.store.add_usage(&minutes, &calls, &told).await;
    match &written {
        Ok(()) => {
            waiting.minutes.clear();
            waiting.calls.clear();
            waiting.told.clear();
        }
        Err(StoreError::Unavailable(_)) => waiting.shrink(),
        Err(_) => {
            // Something in it is refused, and would be each time: the counters hold nothing that could be.
            waiting.calls.clear();
            waiting.shrink();
        }
    }
    written
}
