//! How saved syncs look at the command line.

use serde_json::json;

use super::once::streams;
use crate::{
    api::wire::{Sync, SyncRun, SyncRunPage},
    cli::{
        printer::{Printer, cell, plain},
        verdict::minute,
    },
    words::{count, grouped},
};

/// How it stands, in a word or two.
fn state(it: &Sync) -> &str {
    match (it.connection.deleted, it.cancelling, it.running, it.state.as_str()) {
        (true, ..) => "connection deleted",
        (_, true, ..) => "ending",
        (_, _, true, _) => "running",
        (.., state) => state,
    }
}

pub(super) fn saved(it: &Sync, printer: &Printer) {
    printer.line(format!("Saved “{}” ({}).", plain(&it.name), it.id));
    printer.facts(facts(it));
}

pub(super) fn list(all: &[Sync], printer: &Printer) {
    printer.result(&json!({ "items": all }), |printer| {
        if all.is_empty() {
            return printer.note("No syncs yet. Save one with: keyhaven syncs add CONNECTION --to crm.db");
        }
        let row = |it: &Sync| {
            let last = it.last_run.as_ref().map_or("never", |run| run.outcome.as_str());
            let next = minute(it.next_run_at.as_ref());
            [&it.name, &it.id, &it.connection.slug, &it.destination, state(it), last, &next].map(cell).into()
        };
        let head = ["name", "id", "connection", "destination", "state", "last run", "next run"];
        printer.table(&head, all.iter().map(row));
    });
}

fn facts(it: &Sync) -> Vec<(String, String)> {
    let streams = if it.streams.is_empty() { "all".into() } else { it.streams.join(", ") };
    let next: Vec<_> = it.next_times.iter().map(|at| minute(Some(at))).collect();
    [
        ("connection", it.connection.slug.clone()),
        ("destination", it.destination.clone()),
        ("streams", streams),
        ("deleted records", it.deleted.clone()),
        ("of what is left today", format!("at most {} %", it.share)),
        ("schedule", it.schedule_in_words.clone()),
        ("next times", next.join(", ")),
        ("state", state(it).to_owned()),
        ("next run", minute(it.next_run_at.as_ref())),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_empty())
    .map(|(name, value)| (name.to_owned(), plain(&value)))
    .collect()
}

pub(super) fn one(it: &Sync, printer: &Printer) {
    printer.line(format!("{} ({})", plain(&it.name), it.id));
    printer.facts(facts(it));
    if let Some(last) = &it.last_run {
        printer.line("\nLast run:");
        run(last, it, printer);
    }
}

pub(super) fn run(it: &SyncRun, sync: &Sync, printer: &Printer) {
    streams(&it.streams, printer);
    printer.line(format!(
        "\n{}: {} read, {} new or changed, {} deleted; {}, {} of the app's budget; in {}",
        it.outcome,
        count(it.rows_read, "row"),
        grouped(it.rows_written),
        grouped(it.rows_deleted),
        count(it.requests, "request"),
        grouped(it.cost),
        plain(&sync.destination),
    ));
    for text in [&it.message, &it.remedy].into_iter().flatten() {
        printer.line(plain(text));
    }
    if it.goes_on_at.is_some() {
        printer.line(format!("It goes on at {}.", minute(it.goes_on_at.as_ref())));
    }
}

pub(super) fn history(page: &SyncRunPage, printer: &Printer) {
    if page.items.is_empty() {
        return printer.note("It has not run yet.");
    }
    let row = |it: &SyncRun| {
        let numbers = [it.rows_read, it.rows_written, it.rows_deleted, it.requests, it.cost];
        let first = [cell(&minute(Some(&it.began_at))), cell(&it.outcome)];
        let why = cell(it.message.as_deref().unwrap_or_default());
        first.into_iter().chain(numbers.map(|count| cell(&grouped(count)))).chain([why]).collect()
    };
    let head = ["began", "outcome", "read", "new or changed", "deleted", "requests", "budget", ""];
    printer.table(&head, page.items.iter().map(row));
}
