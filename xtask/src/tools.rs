//! Cargo's helpers, built once into a folder that is kept.

use std::{path::PathBuf, process::Command};

use crate::{
    paths,
    run::{cargo, quietly},
};

/// The program of this crate and version, built if it is not there. `question` is what it is asked for its version.
pub(crate) fn built(name: &str, version: &str, question: &[&str]) -> Result<PathBuf, String> {
    let root = paths::tools();
    let tool = root.join("bin").join(name);
    let said = Command::new(&tool).args(question).output();
    if said.is_ok_and(|said| said.stdout.trim_ascii().ends_with(version.as_bytes())) {
        return Ok(tool);
    }
    println!("    {name} {version} is built once and kept in {}", root.display());
    let build = root.join("build");
    let mut install = cargo(["install", name, "--version", version, "--locked", "--force", "--root"]);
    // Unoptimised: it runs for a second, and builds in a fourth of the time.
    install.arg(&root).arg("--debug").env("CARGO_PROFILE_DEV_DEBUG", "0").env("CARGO_TARGET_DIR", &build);
    quietly(install)?;
    let _ = std::fs::remove_dir_all(build);
    Ok(tool)
}
