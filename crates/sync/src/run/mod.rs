//! One run: each stream in turn, from the app into the destination.

mod allowance;
mod children;
mod fetch;
mod parts;
mod plan;
mod prepare;
mod read;
mod reader;
mod tally;
mod trail;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use keyhaven_connectors::streams::{Each, Stream};
use tokio::sync::watch;

use crate::{
    desk::Desk,
    error::{Failure, SyncError},
    page::Layout,
    progress::{StreamStage, Teller},
    source::Source,
    state::{self, StreamState},
    views,
    writer::Writer,
};
use allowance::Allowance;
use fetch::Fetcher;
pub(crate) use fetch::{Stop, refusal};
pub(crate) use plan::is_due;
pub use plan::{Clock, Plan, Report, Sweep, expand};
use tally::Tally;

/// How much of the past is read again, against clocks that differ and changes that were seen late.
const OVERLAP: SignedDuration = SignedDuration::from_secs(60);
/// How long runs are remembered beside the rows.
const RUNS_KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Does it. What was written stays, however it ends, and the next run goes on from there.
pub async fn run<S: Source>(
    source: &S,
    plan: &Plan,
    teller: &Teller,
    cancelled: watch::Receiver<bool>,
) -> Result<Report, SyncError> {
    let streams = expand(&plan.streams, &plan.chosen)?;
    teller.begin(streams.iter().map(|stream| stream.name.clone()));
    let began = (plan.clock)();
    let db = plan.destination.open().await?;
    let (id, deleted, sweep, all) = (plan.source.clone(), plan.deleted, plan.sweep, plan.streams.clone());
    let writer = tokio::task::spawn_blocking(move || {
        let mut writer = Writer::open(db, &id, deleted)?;
        writer.forget_lost(&all)?;
        if sweep == Sweep::Always {
            writer.forget_looks()?;
        }
        Ok::<_, SyncError>(writer)
    });
    let writer =
        writer.await.map_err(|_| SyncError::destination("the writer ended", "Run the sync again."))??;
    let (desk, writing) = Desk::start(writer);
    let fetcher = Fetcher {
        source,
        allowance: Allowance::new(plan.share, source.budget().await, teller.looked()),
        teller,
        cancelled,
    };
    #[cfg(feature = "parquet")]
    let cancel = fetcher.cancelled.clone();
    let mut run = Run { plan, desk, fetcher, streams: &streams };
    let stopped = run.all().await.err().or_else(|| plan.destination.removed());
    #[cfg(feature = "parquet")]
    let stopped = match &plan.destination {
        crate::Destination::Parquet(files) => files.publish(&plan.source, stopped, &cancel).await,
        _ => stopped,
    };
    let report = Report { began, finished: (plan.clock)(), progress: teller.now(), stopped };
    run.record(&report).await;
    drop(run);
    // Whoever hears that it is done may begin the next run.
    let _ = writing.await;
    Ok(report)
}

struct Run<'a, S> {
    plan: &'a Plan,
    desk: Desk,
    fetcher: Fetcher<'a, S>,
    streams: &'a [&'a Stream],
}

impl<S: Source> Run<'_, S> {
    /// A first reading may take days of budget: views are there from the first of them on.
    async fn all(&mut self) -> Result<(), SyncError> {
        let done = self.each_in_turn().await;
        let shown = self.views().await;
        done.and(shown)
    }

    async fn views(&self) -> Result<(), SyncError> {
        let tables = self.plan.streams.clone();
        for (stream, why) in self.desk.ask(move |writer| views::refresh(writer, &tables)).await? {
            self.fetcher.teller.stream(&stream, |it| it.note = Some(why));
        }
        Ok(())
    }

    async fn each_in_turn(&mut self) -> Result<(), SyncError> {
        let mut tally = Tally::new(self.plan);
        for stream in self.streams {
            let name = &stream.name;
            let was_read = self.state(name).await?.finished.is_some();
            self.tell(name, StreamStage::Reading, None);
            let mut done = self.stream(stream).await;
            // What is written is kept before anything is said.
            if let (Err(error), Ok(())) = (self.desk.ask(Writer::commit).await, &done) {
                done = Err(Stop::Run(error));
            }
            let (stage, note, end) = match done {
                Ok(()) => {
                    tally.done(stream, self.fetcher.teller.requests(name));
                    (StreamStage::Done, None, None)
                }
                Err(Stop::Skip(error) | Stop::Gone(error) | Stop::Anew(error) | Stop::TooLarge(error)) => {
                    let why = format!("skipped: {}", error.message);
                    tally.skipped(stream, was_read, error);
                    (StreamStage::Skipped, Some(why), None)
                }
                Err(Stop::SweepLater) => {
                    tally.done(stream, 1);
                    let note = "what is new is here; looking for deleted records goes on at the next run";
                    (StreamStage::Paused, Some(note.to_owned()), None)
                }
                Err(Stop::Run(error)) => {
                    let stage = match error.kind {
                        Failure::Budget | Failure::Cancelled => StreamStage::Paused,
                        _ => StreamStage::Failed,
                    };
                    (stage, Some(error.message.clone()), Some(error))
                }
            };
            self.tell(name, stage, note.clone());
            let noted = name.clone();
            let kept = self
                .desk
                .ask(move |writer| state::save_note(writer.db.as_mut(), &noted, note.as_ref()))
                .await;
            if let Some(error) = end {
                return Err(error);
            }
            kept?;
        }
        tally.end()
    }

    fn tell(&self, name: &str, stage: StreamStage, note: Option<String>) {
        self.fetcher.teller.stream(name, |it| {
            it.state = stage;
            it.waits = None;
            it.note = note.or(it.note.take());
            if stage == StreamStage::Done {
                it.permille = Some(1000);
            }
        });
    }

    async fn stream(&mut self, stream: &Stream) -> Result<(), Stop> {
        let layout = self.prepare(stream).await?;
        if let Some(each) = &stream.each {
            return self.children(stream, each, &layout).await;
        }
        let state = self.state(&stream.name).await?;
        let knows_changes = stream.changes.is_some() || stream.newest.is_some();
        let (is_first, goes_on) = (state.finished.is_none(), stream.ordered && state.cursor.is_some());
        if is_first {
            self.whole(stream, &layout, state, false).await?;
            // What an earlier run had read may have changed since.
            if !goes_on {
                return Ok(());
            }
        } else if goes_on && self.plan.sweep == Sweep::Always {
            self.begin_anew(&stream.name).await?;
        }
        let state = self.state(&stream.name).await?;
        let due = self.is_due(&state) || self.is_due_with_others(stream).await?;
        let due = due && (!is_first || self.plan.sweep == Sweep::Always);
        if !knows_changes || state.watermark.is_none() || (due && state.requests <= 1) {
            return if due { self.whole(stream, &layout, state, false).await } else { Ok(()) };
        }
        self.changes(stream, &layout, &state).await?;
        if !due {
            return Ok(());
        }
        let state = self.state(&stream.name).await?;
        self.whole(stream, &layout, state, self.plan.sweep != Sweep::Always).await
    }

    async fn state(&self, stream: &str) -> Result<StreamState, SyncError> {
        let stream = stream.to_owned();
        self.desk.ask(move |writer| Ok(writer.state(&stream).clone())).await
    }

    fn is_due(&self, state: &StreamState) -> bool {
        is_due(self.plan, state)
    }

    /// Streams of this run that are read for each record of this table.
    fn dependents(&self, table: &str) -> Arc<Vec<(String, Each)>> {
        let all = self.streams.iter().filter_map(|it| Some((it.name.clone(), it.each.clone()?)));
        Arc::new(all.filter(|(_, each)| each.of == table).collect())
    }

    fn now(&self) -> String {
        written((self.plan.clock)())
    }

    async fn record(&self, report: &Report) {
        let total = report.progress.total();
        let row = [
            report.began.to_string(),
            report.finished.to_string(),
            report.outcome().to_owned(),
            report.stopped.as_ref().map(ToString::to_string).unwrap_or_default(),
            serde_json::to_string(&report.progress.streams).unwrap_or_default(),
        ];
        let counts = [total.requests, total.cost, total.rows, total.written, total.deleted];
        let oldest = report.began.checked_sub(RUNS_KEPT).map(written).unwrap_or_default();
        self.desk
            .last(move |writer| {
                state::forget_runs(writer.db.as_mut(), &oldest)?;
                state::save_run(writer.db.as_mut(), &row, &counts)
            })
            .await;
    }
}

/// A time of the app, less the overlap.
fn earlier(watermark: &str) -> Option<Timestamp> {
    watermark.parse::<Timestamp>().ok()?.checked_sub(OVERLAP).ok()
}

/// How the app's lists take a time.
fn written(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

type Table = Arc<Layout>;
