//! How a sync looks at the command line.

use std::{collections::HashMap, convert::Infallible, sync::Mutex};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use keyhaven_core::syncs::{Estimate, Plan, Progress, Report, StreamEstimate, StreamProgress, StreamStage};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::{
    cli::printer::{Printer, cell, plain},
    words::{count, grouped, repeated, span},
};

pub(super) fn in_short(it: &Estimate, plan: &Plan) -> String {
    let most = if it.is_most() { "at most " } else { "about " };
    let left = it.budget_left.map(|left| format!(" of the {} left today", grouped(left))).unwrap_or_default();
    format!(
        "Into {}: {most}{}, {} of the app's budget{left}, {}.",
        plain(&plan.destination.to_string()),
        count(it.requests, "request"),
        grouped(it.cost),
        span(it.seconds)
    )
}

pub(in crate::cli) fn estimate(it: &Estimate, printer: &Printer) {
    let row = |it: &StreamEstimate| {
        let requests =
            if it.at_most { format!("≤ {}", grouped(it.requests)) } else { grouped(it.requests) };
        [&it.name, &requests, &grouped(it.cost), it.note.as_deref().unwrap_or_default()].map(cell).into()
    };
    printer.table(&["stream", "requests", "cost", ""], it.streams.iter().map(row));
    let facts = [
        ("requests", grouped(it.requests)),
        ("cost", grouped(it.cost)),
        ("left today", it.budget_left.map(grouped).unwrap_or_default()),
        ("allowed for this sync", it.budget_allowed.map(grouped).unwrap_or_default()),
        ("time", span(it.seconds)),
    ];
    let facts = facts.into_iter().filter(|(_, value)| !value.is_empty());
    printer.line("");
    printer.facts(facts.map(|(name, value)| (name.to_owned(), value)).collect());
}

/// A bar for each stream.
pub(in crate::cli) struct Bars {
    all: MultiProgress,
    each: Mutex<HashMap<String, ProgressBar>>,
}

impl Bars {
    pub(in crate::cli) fn new(printer: &Printer) -> Self {
        let all = MultiProgress::new();
        if printer.is_json() {
            all.set_draw_target(ProgressDrawTarget::hidden());
        }
        Self { all, each: Mutex::default() }
    }

    /// Draws whatever changes, for as long as somebody waits beside it.
    pub(in crate::cli) async fn follow(&self, mut progress: watch::Receiver<Progress>) -> Infallible {
        while progress.changed().await.is_ok() {
            let now = progress.borrow_and_update().clone();
            self.draw(&now);
            tokio::time::sleep(std::time::Duration::from_millis(80)).await;
        }
        std::future::pending().await
    }

    fn draw(&self, progress: &Progress) {
        let Ok(mut each) = self.each.lock() else { return };
        let begun: Vec<&StreamProgress> =
            progress.streams.iter().filter(|it| it.state != StreamStage::Waiting).collect();
        // What does not fit is not drawn, and that must not be the last ones, which are under way.
        let (past, shown) = begun.split_at(begun.len().saturating_sub(room()));
        for bar in past.iter().filter_map(|stream| each.remove(&stream.name)) {
            self.all.remove(&bar);
        }
        for stream in shown {
            let bar = each.entry(stream.name.clone()).or_insert_with(|| {
                let bar = self.all.add(ProgressBar::new(1000).with_prefix(stream.name.clone()));
                let style = ProgressStyle::with_template("{prefix:22} {bar:20} {msg}");
                if let Ok(style) = style {
                    bar.set_style(style.progress_chars("━━─"));
                }
                bar
            });
            // Each word to a bar that is done would draw all of them once more.
            if bar.is_finished() {
                continue;
            }
            bar.set_position(stream.permille.map_or(0, u64::from));
            bar.set_message(plain(&told(stream)));
            if stream.state != StreamStage::Reading {
                bar.abandon();
            }
        }
    }

    /// Tells whoever presses Ctrl-C what comes of it.
    pub(super) fn stopping(&self) -> impl Fn() + Send + 'static {
        let all = self.all.clone();
        move || {
            let _ = all.println("Stopping… Once more ends it at once; the next run goes on either way.");
        }
    }

    pub(in crate::cli) fn clear(&self) {
        let _ = self.all.clear();
    }
}

/// How many bars the terminal has room for.
fn room() -> usize {
    let rows = rustix::termios::tcgetwinsize(std::io::stderr()).map_or(0, |size| size.ws_row);
    if rows == 0 { usize::MAX } else { usize::from(rows).saturating_sub(2).max(1) }
}

fn told(it: &StreamProgress) -> String {
    let mut parts = vec![count(it.rows, "row")];
    if it.written != it.rows {
        parts.push(format!("{} new or changed", grouped(it.written)));
    }
    if it.deleted > 0 {
        parts.push(format!("{} deleted", grouped(it.deleted)));
    }
    parts.extend(it.waits.clone().or(it.note.clone()));
    parts.join(", ")
}

fn mark(stage: StreamStage) -> &'static str {
    match stage {
        StreamStage::Done => "✓",
        StreamStage::Skipped => "–",
        StreamStage::Waiting => "·",
        StreamStage::Reading | StreamStage::Paused => "…",
        StreamStage::Failed => "!",
    }
}

/// What became of each stream.
pub(in crate::cli) fn streams(all: &[StreamProgress], printer: &Printer) {
    let row = |it: &StreamProgress| {
        let numbers = [it.rows, it.written, it.deleted, it.requests].map(|of| cell(&grouped(of)));
        let misfits = (it.misfits > 0)
            .then(|| format!("{} did not fit: see keyhaven_misfits", count(it.misfits, "value")));
        let notes = [it.waits.clone(), it.note.clone(), misfits, repeated(it.repeated)];
        let note = notes.into_iter().flatten().collect::<Vec<_>>().join("; ");
        let first = [cell(mark(it.state)), cell(&it.name)];
        first.into_iter().chain(numbers).chain([cell(&note)]).collect()
    };
    let head = ["", "stream", "read", "new or changed", "deleted", "requests", ""];
    printer.table(&head, all.iter().map(row));
}

pub(super) fn report(it: &Report, plan: &Plan, printer: &Printer) {
    streams(&it.progress.streams, printer);
    let total = it.progress.total();
    let took = it.finished.duration_since(it.began);
    printer.line(format!(
        "\n{} read, {} new or changed, {} deleted; {}, {} of the app's budget, {:.1} s; in {}",
        count(total.rows, "row"),
        grouped(total.written),
        grouped(total.deleted),
        count(total.requests, "request"),
        grouped(total.cost),
        took.as_secs_f64(),
        plain(&plan.destination.to_string()),
    ));
}

pub(super) fn json(it: &Report, plan: &Plan) -> Value {
    let total = it.progress.total();
    json!({
        "outcome": it.outcome(),
        "message": it.stopped.as_ref().map(|it| &it.message),
        "remedy": it.stopped.as_ref().map(|it| &it.remedy),
        "destination": plan.destination.to_string(),
        "began": it.began.to_string(),
        "finished": it.finished.to_string(),
        "seconds": it.finished.duration_since(it.began).as_secs_f64(),
        "requests": total.requests,
        "cost": total.cost,
        "rows_read": total.rows,
        "rows_written": total.written,
        "rows_deleted": total.deleted,
        "misfits": total.misfits,
        "streams": it.progress.streams,
    })
}
