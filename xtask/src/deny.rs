//! cargo-deny, built once into the tools folder.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    paths,
    run::{cargo, quietly},
    steps::Done,
};

const VERSION: &str = "0.20.2";

/// Checks deny.toml; advisories only where their database can be fetched.
pub(crate) fn run() -> Result<Done, String> {
    let tool = tool()?;
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

fn tool() -> Result<PathBuf, String> {
    let root = paths::tools();
    let tool = root.join("bin/cargo-deny");
    let version = Command::new(&tool).arg("--version").output();
    if version.is_ok_and(|said| said.stdout.trim_ascii().ends_with(VERSION.as_bytes())) {
        return Ok(tool);
    }
    println!("    cargo-deny {VERSION} is built once and kept in {}", root.display());
    let build = root.join("build");
    let mut install = cargo(["install", "cargo-deny", "--version", VERSION, "--locked", "--force", "--root"]);
    // Unoptimised: it runs for a second, and builds in a fourth of the time.
    install.arg(&root).arg("--debug").env("CARGO_PROFILE_DEV_DEBUG", "0").env("CARGO_TARGET_DIR", &build);
    quietly(install)?;
    let _ = std::fs::remove_dir_all(build);
    Ok(tool)
}
