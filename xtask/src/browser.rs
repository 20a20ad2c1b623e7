//! What runs in a real browser, or against a real server: builds the binary first.

use std::{path::PathBuf, process::Command};

use crate::{
    paths,
    run::{cargo, plainly, quietly},
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

fn binary(profile: &str) -> PathBuf {
    paths::target().join(profile).join("keyhaven")
}
