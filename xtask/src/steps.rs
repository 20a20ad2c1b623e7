//! `cargo xtask test`: one table of steps, one line for each.

use std::time::Duration;

use crate::{
    browser, deny, fuzz, imports,
    run::{self, cargo, quietly},
    set_up,
    tally::Tally,
};

struct Step {
    name: &'static str,
    what: &'static str,
    run: fn() -> Result<Done, String>,
}

/// What a step has to tell.
#[derive(Default)]
pub(crate) struct Done {
    /// Tests that ran.
    pub tally: Option<Tally>,
    /// Anything else for its line.
    pub note: Option<String>,
}

const STEPS: &[Step] = &[
    Step {
        name: "set-up",
        what: "PostgreSQL, Chromium and its driver are there, or are installed",
        run: set_up::run,
    },
    Step { name: "fmt", what: "the code is formatted", run: || plain(["fmt", "--all", "--check"]) },
    Step {
        name: "clippy",
        what: "no warning, in tests neither",
        run: || {
            plain([
                "clippy",
                "--workspace",
                "--all-targets",
                "--features",
                "keyhaven/parquet",
                "--",
                "-D",
                "warnings",
            ])
        },
    },
    Step { name: "imports", what: "the inner crates import what the design allows them", run: imports::run },
    Step {
        name: "deny",
        what: "cargo-deny: bans, licences, sources, and advisories where they can be had",
        run: deny::run,
    },
    Step {
        name: "test",
        what: "unit and integration tests, stories on both databases, examples in the docs",
        run: || tests(cargo(["test", "--workspace", "--exclude", "keyhaven-e2e", "--no-fail-fast"])),
    },
    Step {
        name: "parquet",
        what: "behind its feature: Parquet files in a folder and in a bucket",
        // Of the whole workspace, so that what the step before has built is not built again.
        run: || {
            let all = ["test", "--workspace", "--exclude", "keyhaven-e2e"];
            let feature = ["--features", "keyhaven-core/parquet", "--test", "parquet", "--test", "over_time"];
            let not_syncs = ["--", "--skip", "background::", "--skip", "usage::"];
            tests(cargo(all.into_iter().chain(feature).chain(not_syncs)))
        },
    },
    Step {
        name: "fuzz",
        what: "random input against paths, headers, domains and messages",
        run: fuzz::short,
    },
    Step { name: "e2e", what: "tests in a real browser", run: || tests(browser::test_command("")?) },
];

/// The table, for the help text.
pub(crate) fn list() -> String {
    STEPS.iter().map(|step| format!("  {:<10}{}\n", step.name, step.what)).collect()
}

/// Runs all steps or some of them; goes on after a failure, so that one run tells everything.
pub(crate) fn run(only: Option<&str>) -> Result<(), String> {
    let wanted = chosen(only)?;
    let began = run::now();
    let (mut sum, mut broken) = (Tally::default(), Vec::new());
    for step in wanted {
        println!("▸ {:<10}{}", step.name, step.what);
        let started = run::now();
        let result = (step.run)();
        let took = time(started.elapsed());
        let tally = match &result {
            Ok(done) => done.tally.unwrap_or_default(),
            // A step that fails without a failing test, as when nothing compiles, counts as one.
            Err(output) => match Tally::of(output) {
                Tally { failed: 0, passed, ignored } => Tally { passed, failed: 1, ignored },
                counted => counted,
            },
        };
        sum = sum + tally;
        match result {
            Ok(done) => {
                let parts = [done.tally.map(|tally| tally.to_string()), done.note];
                let parts: Vec<String> = parts.into_iter().flatten().chain([took]).collect();
                println!("✓ {:<10}{}", step.name, parts.join("  "));
            }
            Err(output) => {
                println!("{output}\n✗ {:<10}{took}", step.name);
                broken.push(step.name);
                // Without its tools each later step would only fail in its own, less clear way.
                if step.name == "set-up" {
                    break;
                }
            }
        }
    }
    println!("\n{}\n{sum}", sum.closing_line(began.elapsed()));
    if broken.is_empty() { Ok(()) } else { Err(format!("failed: {}", broken.join(", "))) }
}

fn chosen(only: Option<&str>) -> Result<Vec<&'static Step>, String> {
    let Some(only) = only else { return Ok(STEPS.iter().collect()) };
    let names: Vec<&str> = only.split(',').map(str::trim).collect();
    match names.iter().find(|name| STEPS.iter().all(|step| step.name != **name)) {
        Some(unknown) => Err(format!("“{unknown}” is no step. The steps are:\n{}", list())),
        None => Ok(STEPS.iter().filter(|step| names.contains(&step.name)).collect()),
    }
}

fn plain<const N: usize>(arguments: [&str; N]) -> Result<Done, String> {
    quietly(cargo(arguments)).map(|_| Done::default())
}

fn tests(command: std::process::Command) -> Result<Done, String> {
    let output = quietly(command)?;
    Ok(Done { tally: Some(Tally::of(&output)), note: None })
}

fn time(took: Duration) -> String {
    let seconds = took.as_secs_f64();
    if seconds < 100.0 {
        format!("{seconds:.1} s")
    } else {
        format!("{} min {} s", seconds as u64 / 60, seconds as u64 % 60)
    }
}
