//! `keyhaven syncs run`: has it run, and watches it.

use std::{process::ExitCode, time::Duration};

use keyhaven_core::{
    syncs::{self, Progress},
    usage,
};
use tokio::{sync::watch, task::JoinHandle, time::sleep};

use super::{Deed, once::Bars, show};
use crate::{
    api::wire::{Sync, SyncRun},
    cli::{backend::Target, failure::Failure, printer::Printer},
};

/// How often is looked at a run.
const LOOK: Duration = Duration::from_millis(400);

/// What works in this process, where the data are here.
struct Workers {
    stop: watch::Sender<bool>,
    runner: JoinHandle<Result<bool, keyhaven_core::Error>>,
    stop_recorder: watch::Sender<bool>,
    recorder: JoinHandle<()>,
}

impl Workers {
    /// Runs it here, unless a server on the same data has begun already.
    fn start(target: &Target, id: &str) -> Option<Self> {
        let (app, _) = target.here()?;
        let (stop, stopped) = watch::channel(false);
        let (stop_recorder, recorder_stopped) = watch::channel(false);
        let recorder = tokio::spawn(usage::run(app.clone(), recorder_stopped));
        let id = id.to_owned();
        let runner = tokio::spawn(async move { syncs::run_one(app, &id, stopped).await });
        Some(Self { stop, runner, stop_recorder, recorder })
    }

    async fn end(self) {
        let _ = self.stop.send(true);
        let _ = self.runner.await;
        let _ = self.stop_recorder.send(true);
        let _ = self.recorder.await;
    }
}

pub(super) async fn run(
    target: &Target,
    which: &str,
    detach: bool,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    let before = target.sync(which).await?;
    let asked = target.do_to_sync(&before.id, Deed::Run).await?;
    if detach {
        printer.result(&asked, |printer| printer.line("It begins in a moment."));
        return Ok(ExitCode::SUCCESS);
    }
    let workers = Workers::start(target, &before.id);
    let last = before.last_run.as_ref().map(|run| run.id.clone());
    let (tell, told) = watch::channel(Progress::default());
    let bars = Bars::new(printer);
    let done = tokio::select! {
        done = follow(target, &before.id, last.as_deref(), &tell) => done.map(Some),
        never = bars.follow(told) => match never {},
        _ = tokio::signal::ctrl_c() => Ok(None),
    };
    bars.clear();
    if let Some(workers) = workers {
        workers.end().await;
    }
    let Some(it) = done? else {
        printer.note(format!(
            "It goes on by itself in the server. To end it: keyhaven syncs cancel {}",
            before.id
        ));
        return Ok(ExitCode::from(130));
    };
    let run = it.last_run.as_ref();
    printer.result(&it, |printer| {
        if let Some(run) = run {
            show::run(run, &it, printer);
        }
    });
    Ok(code(run))
}

/// Looks at it until the run that follows `last` is over.
async fn follow(
    target: &Target,
    id: &str,
    last: Option<&str>,
    tell: &watch::Sender<Progress>,
) -> Result<Sync, Failure> {
    loop {
        let it = target.sync(id).await?;
        if let Some(run) = it.last_run.as_ref().filter(|run| Some(run.id.as_str()) != last) {
            tell.send_replace(Progress { streams: run.streams.clone() });
            if run.finished_at.is_some() {
                return Ok(it);
            }
        }
        sleep(LOOK).await;
    }
}

fn code(run: Option<&SyncRun>) -> ExitCode {
    match run.map(|run| run.outcome.as_str()) {
        Some("done") => ExitCode::SUCCESS,
        Some("paused") => ExitCode::from(4),
        _ => ExitCode::FAILURE,
    }
}
