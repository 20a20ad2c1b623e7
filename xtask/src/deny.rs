//! cargo-deny, built once into the tools folder.

use std::{path::Path, process::Command};

use crate::{paths, run::quietly, steps::Done, tools};

const VERSION: &str = "0.20.2";

/// Checks deny.toml; advisories only where their database can be fetched.
pub(crate) fn run() -> Result<Done, String> {
    let tool = tools::built("cargo-deny", VERSION, &["--version"])?;
    quietly(deny(&tool, &["check", "bans", "licenses", "sources"]))?;
    let note = if quietly(deny(&tool, &["fetch", "db"])).is_ok() {
        quietly(deny(&tool, &["check", "--disable-fetch", "advisories"]))?;
        "with advisories"
    } else {
        "without advisories: their database cannot be fetched here"
    };
    Ok(Done { note: Some(note.into()), tally: None })
}

fn deny(tool: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(tool);
    // Workspace-wide and without colour, whatever the terminal.
    command.args(["--workspace", "--color", "never"]).args(arguments).current_dir(paths::root());
    command
}
