//! The page that is written.

use std::{env, fmt::Write, fs, thread};

/// What was promised, and what was measured.
pub(crate) struct Figure {
    what: &'static str,
    promised: f64,
    measured: f64,
    unit: &'static str,
}

impl Figure {
    pub(crate) fn new(what: &'static str, promised: f64, measured: f64, unit: &'static str) -> Self {
        println!("{what}: {} (promised: {promised} {unit})", amount(measured, unit));
        Self { what, promised, measured, unit }
    }
}

/// Everything that was measured.
#[derive(Default)]
pub(crate) struct Report {
    figures: Vec<Figure>,
    notes: Vec<String>,
    screens: Vec<String>,
}

const HEAD: &str = "\
# Performance

What is promised and what was measured, side by side. `cargo xtask bench` measures all of it on your machine and writes
this page: an optimised build, nothing simulated but Pipedrive. Nothing here is asserted by a test: a busy machine is
no fault of the code.

";

const HOW: &str = "
How it is measured:

- **Start**: from the start of the process to the first `200` of `/healthz`, on data that are there; 20 starts.
- **Memory**: the resident set of the process, five seconds after its first answer.
- **Save and verify**: `POST /api/v1/connections` against the sandbox, which takes 50 ms to answer, in turns with the
  same question put to the sandbox directly; the difference of the medians. SQLite, `synchronous = FULL`.
- **List**: pages of 50 from 100,000 rows, in an order that jumps through the whole list, with the time until the last
  byte; 1000 pages each.
- **Screens**: bytes over the wire as Chromium counts them, headers included, with an empty cache.
";

impl Report {
    pub(crate) fn add(&mut self, figure: Figure) {
        self.figures.push(figure);
    }

    /// A figure without a promise, for comparison.
    pub(crate) fn note(&mut self, what: String, measured: f64, unit: &str) {
        println!("  {what}: {}", amount(measured, unit));
        self.notes.push(format!("| {what} | {} |\n", amount(measured, unit)));
    }

    pub(crate) fn screen(&mut self, path: &str, kilobytes: f64, requests: usize) {
        self.screens.push(format!("| `{path}` | {kilobytes:.1} KB | {requests} |\n"));
    }

    pub(crate) fn page(&self) -> String {
        let mut page = HEAD.to_owned();
        page += "| figure | promised at most | measured | share of the promise |\n|---|--:|--:|--:|\n";
        for Figure { what, promised, measured, unit } in &self.figures {
            let share = measured / promised * 100.0;
            let _ =
                writeln!(page, "| {what} | {promised} {unit} | {} | {share:.0} % |", amount(*measured, unit));
        }
        page += "\nBeside them:\n\n| figure | measured |\n|---|--:|\n";
        page.extend(self.notes.iter().map(String::as_str));
        page += "\n| screen | weight | requests |\n|---|--:|--:|\n";
        page.extend(self.screens.iter().map(String::as_str));
        page + HOW + &format!("\nMeasured on {}.\n", machine())
    }
}

fn amount(value: f64, unit: &str) -> String {
    if value < 100.0 { format!("{value:.2} {unit}") } else { format!("{value:.0} {unit}") }
}

fn machine() -> String {
    let line = |file: &str, key: &str| {
        let text = fs::read_to_string(file).unwrap_or_default();
        let value =
            text.lines().find_map(|line| line.strip_prefix(key)?.split(':').nth(1).map(str::to_owned));
        value.unwrap_or_default().trim().to_owned()
    };
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let memory = line("/proc/meminfo", "MemTotal").trim_end_matches(" kB").parse::<f64>().unwrap_or(0.0);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "{} cores of {}, {:.0} GiB of memory, Linux {} ({})",
        cores,
        line("/proc/cpuinfo", "model name"),
        memory / 1024.0 / 1024.0,
        kernel.trim(),
        env::consts::ARCH
    )
}
