//! What runs in a real browser, or against a real server: builds the binary first.

use std::{path::PathBuf, process::Command};

use crate::{
    paths,
    run::{cargo, plainly, quietly},
    set_up,
};

/// The harness runs the Keyhaven that this names.
const BINARY: &str = "KEYHAVEN_BIN";

/// Builds Keyhaven, then gives the command that tests it.
pub(crate) fn test_command(filter: &str) -> Result<Command, String> {
    quietly(cargo(["build", "--package", "keyhaven"]))?;
    let mut command = cargo(["test", "--package", "keyhaven-e2e", "--no-fail-fast"]);
    command.args(Some(filter).filter(|filter| !filter.is_empty())).env(BINARY, binary("debug"));
    Ok(command)
}

/// `cargo xtask e2e`.
pub(crate) fn tests(filter: &str) -> Result<(), String> {
    plainly(test_command(filter)?)
}

/// `cargo xtask screenshots`.
pub(crate) fn screenshots() -> Result<(), String> {
    plainly(cargo(["build", "--package", "keyhaven"]))?;
    let mut command = cargo(["run", "--package", "keyhaven-e2e", "--bin", "screenshots", "--"]);
    command.arg(paths::root().join("docs/screenshots")).env(BINARY, binary("debug"));
    plainly(command)
}

/// `cargo xtask bench`: both sides optimised, as they are used.
pub(crate) fn bench() -> Result<(), String> {
    plainly(cargo(["build", "--release", "--package", "keyhaven"]))?;
    let mut command = cargo(["run", "--release", "--package", "keyhaven-e2e", "--bin", "bench", "--"]);
    command.arg(paths::root().join("docs/PERFORMANCE.md")).env(BINARY, binary("release"));
    plainly(command)
}

/// `cargo xtask bench proxy`: beside nginx, called by wrk.
pub(crate) fn bench_proxy() -> Result<(), String> {
    set_up::for_bench()?;
    plainly(cargo(["build", "--release", "--package", "keyhaven"]))?;
    plainly(cargo(["build", "--release", "--package", "keyhaven-e2e", "--bin", "bench_proxy"]))?;
    // Ten thousand open connections are more than a shell allows by itself.
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n \"$(ulimit -Hn)\"; exec \"$@\"", "sh"]);
    command.arg(paths::target().join("release/bench_proxy")).arg(paths::root().join("docs/PERFORMANCE.md"));
    plainly({
        command.env(BINARY, binary("release"));
        command
    })
}

/// `cargo xtask bench sync`: into SQLite and PostgreSQL, beside a script in Python.
pub(crate) fn bench_sync() -> Result<(), String> {
    set_up::run()?;
    plainly(cargo(["build", "--release", "--package", "keyhaven"]))?;
    let mut command = cargo(["run", "--release", "--package", "keyhaven-e2e", "--bin", "bench_sync", "--"]);
    command.arg(paths::root().join("docs/PERFORMANCE.md")).env(BINARY, binary("release"));
    plainly(command)
}

fn binary(profile: &str) -> PathBuf {
    paths::target().join(profile).join("keyhaven")
}
