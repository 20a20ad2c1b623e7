//! One voice for all commands. Results go to standard output, everything else to standard error.

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
    time::Duration,
};

use anstyle::{AnsiColor, Style};
use comfy_table::{ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use serde_json::json;

use super::failure::Failure;
use crate::api::wire::{Check, Connection};

/// Prints for people or, with `--json`, for programs.
pub(super) struct Printer {
    json: bool,
}

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const WARN: Style = AnsiColor::Yellow.on_default().bold();
const SOFT: Style = Style::new().dimmed();

/// The exit code for a verdict that is !.
const ATTENTION: u8 = 3;

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
    pub(super) fn spinner(&self, text: String) -> ProgressBar {
        if self.json || !std::io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let spinner = ProgressBar::new_spinner().with_message(text);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            spinner.set_style(style);
        }
        spinner.enable_steady_tick(Duration::from_millis(90));
        spinner
    }

    pub(super) fn table(&self, head: &[&str], rows: Vec<Vec<String>>) {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_header(head.iter().map(|title| title.to_uppercase()));
        for row in rows {
            table.add_row(row.into_iter().map(plain));
        }
        for line in table.lines() {
            self.line(line.trim_end());
        }
    }

    /// The verdict and what to do; the exit code goes with it.
    pub(super) fn verdict(&self, it: &Connection) -> ExitCode {
        self.result(it, |printer| printer.describe(it));
        verdict_code(it)
    }

    fn describe(&self, it: &Connection) {
        let account = it.account.as_ref().map(|account| account.line()).unwrap_or_default();
        self.line(format!("{} {}", mark(&it.status), plain(it.name.clone())));
        self.line(format!("  {}", plain(it.outcome.title.clone())));
        if !account.is_empty() {
            self.line(format!("  {SOFT}account{SOFT:#}  {}", plain(account)));
        }
        self.line(format!("  {}", plain(it.outcome.message.clone())));
        if !it.outcome.remedy.is_empty() {
            self.line(format!("  {SOFT}to do{SOFT:#}    {}", plain(it.outcome.remedy.clone())));
        }
        if let Some(latest) = self.unsettled(it) {
            self.line(format!("  {WARN}could not re-check{WARN:#}: {}", plain(latest.message.clone())));
        }
    }

    fn unsettled<'a>(&self, it: &'a Connection) -> Option<&'a Check> {
        it.last_check.as_ref().filter(|latest| latest.checked_at != it.outcome.checked_at)
    }

    pub(super) fn failure(&self, it: &Failure) -> ExitCode {
        if self.json {
            let problem = json!({ "error": { "code": it.code, "message": it.message, "remedy": it.remedy, "errors": it.fields } });
            self.note(problem.to_string());
            return ExitCode::from(it.exit);
        }
        self.note(format!("{BAD}error:{BAD:#} {}", it.message));
        for field in &it.fields {
            self.note(format!("  {}: {}", plain(field.field.clone()), plain(field.message.clone())));
        }
        if !it.remedy.is_empty() {
            self.note(format!("{SOFT}to do:{SOFT:#} {}", it.remedy));
        }
        ExitCode::from(it.exit)
    }
}

/// ✓ or !, coloured on a terminal, with the word beside it.
pub(super) fn mark(status: &str) -> String {
    match status {
        "valid" => format!("{GOOD}✓{GOOD:#}"),
        "invalid" => format!("{BAD}!{BAD:#}"),
        _ => format!("{WARN}!{WARN:#}"),
    }
}

pub(super) fn verdict_code(it: &Connection) -> ExitCode {
    if it.status == "valid" { ExitCode::SUCCESS } else { ExitCode::from(ATTENTION) }
}

/// What came from afar cannot steer the terminal.
pub(super) fn plain(text: String) -> String {
    if text.chars().any(char::is_control) { text.chars().filter(|c| !c.is_control()).collect() } else { text }
}
