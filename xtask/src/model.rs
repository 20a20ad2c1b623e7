//! The sync's promise, tried for long: random histories, each with its own seed.

use crate::run::{cargo, plainly};

const STEPS: &str = "100000";

/// `cargo xtask model [STEPS [SEED]]`: optimised, with a line for every history.
pub(crate) fn run(steps: Option<&str>, seed: Option<&str>) -> Result<(), String> {
    let steps = steps.unwrap_or(STEPS);
    let seed = seed.unwrap_or("1");
    if let Some(wrong) = [steps, seed].into_iter().find(|text| text.parse::<u64>().is_err()) {
        return Err(format!("“{wrong}” is no number: cargo xtask model [STEPS [SEED]]"));
    }
    let mut command = cargo(["test", "--release", "--package", "keyhaven-core", "--test", "sync"]);
    // What is tried is the same; linking takes seconds in place of minutes.
    command.env("CARGO_PROFILE_RELEASE_LTO", "off").env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
    command.args(["--", "model", "--nocapture"]);
    command.env("KEYHAVEN_MODEL_STEPS", steps).env("KEYHAVEN_MODEL_SEED", seed);
    plainly(command)
}
