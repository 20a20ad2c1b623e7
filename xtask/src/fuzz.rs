//! Random input, steered by what the code does with it: a short run with all tests, a long one by hand.

use std::process::Command;

use crate::{
    paths,
    run::{plainly, quietly},
    steps::Done,
    tools,
};

const VERSION: &str = "0.13.2";
const TARGETS: [&str; 4] = ["path", "headers", "domain", "http1"];
const SHORT: u32 = 10;
const LONG: u32 = 600;

/// Ten seconds for each target.
pub(crate) fn short() -> Result<Done, String> {
    for target in TARGETS {
        quietly(command(target, SHORT)?)?;
    }
    Ok(Done { note: Some(format!("{} targets, {SHORT} s each", TARGETS.len())), tally: None })
}

/// Ten minutes for each target, or for one.
pub(crate) fn long(only: &str) -> Result<(), String> {
    if !only.is_empty() && !TARGETS.contains(&only) {
        return Err(format!("“{only}” is no target; the targets are {}", TARGETS.join(", ")));
    }
    for target in TARGETS.iter().filter(|target| only.is_empty() || **target == only) {
        plainly(command(target, LONG)?)?;
    }
    Ok(())
}

fn command(target: &str, seconds: u32) -> Result<Command, String> {
    let mut command = Command::new(tools::built("cargo-fuzz", VERSION, &["fuzz", "--version"])?);
    // Without a sanitizer, which only unstable compilers have: panics and asserts are what is looked for.
    command.args(["fuzz", "run", "--sanitizer", "none", target, "--"]);
    command.arg(format!("-max_total_time={seconds}")).args(["-max_len=4096", "-print_final_stats=1"]);
    command.current_dir(paths::root()).env("CARGO_TARGET_DIR", paths::target().join("fuzz"));
    Ok(command)
}
