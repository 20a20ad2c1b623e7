//! One voice for all commands. Results go to standard output, everything else to standard error.

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
    time::Duration,
};

use anstyle::{AnsiColor, Style};
use comfy_table::{Cell, Color, ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use serde_json::json;

use super::failure::Failure;

/// Prints for people or, with `--json`, for programs.
pub(super) struct Printer {
    json: bool,
}

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const WARN: Style = AnsiColor::Yellow.on_default().bold();
const SOFT: Style = Style::new().dimmed();

impl Printer {
    pub(super) fn new(json: bool) -> Self {
        Self { json }
    }

    /// A line of the result. A reader that went away is no fault.
    pub(super) fn line(&self, text: impl AsRef<str>) {
        let _ = writeln!(anstream::stdout(), "{}", text.as_ref());
    }

    /// A line about the work, not part of the result.
    pub(super) fn note(&self, text: impl AsRef<str>) {
        let _ = writeln!(anstream::stderr(), "{}", text.as_ref());
    }

    /// JSON where it is asked for, else whatever `people` prints.
    pub(super) fn result(&self, value: &impl Serialize, people: impl FnOnce(&Self)) {
        if !self.json {
            return people(self);
        }
        self.line(serde_json::to_string_pretty(value).unwrap_or_default());
    }

    /// Something turns while the work goes on.
    pub(super) fn spinner(&self, text: &str) -> ProgressBar {
        if self.json || !std::io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let spinner = ProgressBar::new_spinner().with_message(plain(text));
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            spinner.set_style(style);
        }
        spinner.enable_steady_tick(Duration::from_millis(90));
        spinner
    }

    /// Is it a program that reads?
    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    /// Rows under a head; as wide as the terminal at most.
    pub(super) fn table(&self, head: &[&str], rows: impl Iterator<Item = Vec<Cell>>) {
        let mut table = bare();
        table.set_header(head.iter().map(|title| title.to_uppercase())).add_rows(rows);
        for line in padded(table, 0).lines() {
            self.line(line.trim_end());
        }
    }

    /// Names and values below a first line.
    pub(super) fn facts(&self, facts: Vec<(String, String)>) {
        for line in aligned(facts, false).lines() {
            self.line(line.trim_end());
        }
    }

    /// The same, beside the result.
    pub(super) fn note_facts(&self, facts: Vec<(String, String)>) {
        for line in aligned(facts, true).lines() {
            self.note(line.trim_end());
        }
    }

    /// What went wrong, and what to do.
    pub(super) fn failure(&self, it: &Failure) -> ExitCode {
        if self.json {
            let problem = json!({ "error": { "code": it.code, "message": it.message, "remedy": it.remedy, "errors": it.fields } });
            self.note(problem.to_string());
            return ExitCode::from(it.exit);
        }
        let message: Vec<_> = it.message.lines().map(plain).collect();
        self.note(format!("{BAD}error:{BAD:#} {}", message.join("\n  ")));
        for field in &it.fields {
            self.note(format!("  {}: {}", plain(&field.field), plain(&field.message)));
        }
        if !it.remedy.is_empty() {
            self.note(format!("{SOFT}to do:{SOFT:#} {}", plain(&it.remedy)));
        }
        ExitCode::from(it.exit)
    }
}

fn bare() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table
}

fn padded(mut table: Table, indent: u16) -> Table {
    for (column, left) in table.column_iter_mut().zip([indent].into_iter().chain(std::iter::repeat(0))) {
        column.set_padding((left, 2));
    }
    table
}

fn aligned(facts: Vec<(String, String)>, on_stderr: bool) -> Table {
    let mut table = bare();
    if on_stderr {
        table.use_stderr();
    }
    table.add_rows(facts.iter().map(|(name, value)| [cell(name), cell(value)]));
    padded(table, 2)
}

/// A cell without anything that steers.
pub(super) fn cell(text: &str) -> Cell {
    Cell::new(plain(text))
}

/// ✓ or ! with its word; coloured on a terminal.
pub(super) fn status_cell(status: &str, word: &str) -> Cell {
    let (mark, colour) = match status {
        "valid" => ("✓", Color::Green),
        "invalid" => ("!", Color::Red),
        _ => ("!", Color::Yellow),
    };
    cell(&format!("{mark} {word}")).fg(colour)
}

/// ✓ or !, coloured on a terminal.
pub(super) fn mark(status: &str) -> String {
    match status {
        "valid" => format!("{GOOD}✓{GOOD:#}"),
        "invalid" => format!("{BAD}!{BAD:#}"),
        _ => format!("{WARN}!{WARN:#}"),
    }
}

/// What came from afar cannot steer the terminal, nor turn the direction of what follows it.
pub(super) fn plain(text: &str) -> String {
    let steers = |c: &char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().filter(|c| !steers(c)).collect()
}
