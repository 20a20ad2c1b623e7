//! Developer commands: `cargo xtask test` and its like. Standard library only, so that it is there in a second.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line talks to its terminal")]

mod browser;
mod deny;
mod fuzz;
mod imports;
mod model;
mod paths;
mod run;
mod set_up;
mod steps;
mod tally;
mod tools;

use std::{env, process::ExitCode};

const HELP: &str = "\
Developer commands of Keyhaven.

  cargo xtask test [--only STEP,…]   all tests; installs what they need where it can
  cargo xtask e2e [FILTER]           the tests in a real browser, or those whose name holds FILTER
  cargo xtask fuzz [TARGET]          looks for input that breaks what must hold, ten minutes for each target
  cargo xtask model [STEPS [SEED]]   syncs random histories in every kind of trouble: 100,000 steps, about an hour
  cargo xtask bench                  measures the figures and writes docs/PERFORMANCE.md
  cargo xtask bench proxy            measures the proxy beside nginx; installs nginx and wrk where it can
  cargo xtask bench sync             measures the sync into SQLite and PostgreSQL
  cargo xtask screenshots            takes the pictures of docs/screenshots

Steps of test, in order:
";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["test"] => steps::run(None),
        ["test", "--only", only] => steps::run(Some(only)),
        ["e2e"] => browser::tests(""),
        ["e2e", filter] => browser::tests(filter),
        ["fuzz"] => fuzz::long(""),
        ["fuzz", target] => fuzz::long(target),
        ["model"] => model::run(None, None),
        ["model", steps] => model::run(Some(steps), None),
        ["model", steps, seed] => model::run(Some(steps), Some(seed)),
        ["bench"] => browser::bench(),
        ["bench", "proxy"] => browser::bench_proxy(),
        ["bench", "sync"] => browser::bench_sync(),
        ["screenshots"] => browser::screenshots(),
        [] | ["help" | "--help" | "-h"] => {
            println!("{HELP}{}", steps::list());
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("“{}” is no command.\n\n{HELP}{}", words.join(" "), steps::list());
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
