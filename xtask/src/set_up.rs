//! What the tests need from the system: installed where that can be done, named exactly where it cannot.

use std::{fs, path::Path, process::Command};

use crate::{
    paths::find,
    run::{cargo, quietly},
    steps::Done,
};

struct Need {
    package: &'static str,
    is_there: fn() -> bool,
}

const NEEDS: &[Need] = &[
    Need { package: "build-essential", is_there: || find(&["cc"]).is_some() },
    Need { package: "postgresql", is_there: has_postgres },
    Need {
        package: "chromium",
        is_there: || find(&["chromium", "chromium-browser", "google-chrome"]).is_some(),
    },
    // Programs that `keyhaven run` is tried with.
    Need { package: "curl", is_there: || find(&["curl"]).is_some() },
    Need { package: "wget", is_there: || find(&["wget"]).is_some() },
    Need { package: "python3-requests", is_there: has_python_requests },
    Need { package: "nodejs", is_there: || find(&["node"]).is_some() },
    Need { package: "npm", is_there: || find(&["npm"]).is_some() },
    Need { package: "chromium-driver", is_there: || find(&["chromedriver"]).is_some() },
];

/// What `cargo xtask bench proxy` needs besides.
const BENCH_NEEDS: &[Need] = &[
    Need { package: "nginx-light", is_there: || find(&["nginx"]).is_some() },
    Need { package: "wrk", is_there: || find(&["wrk"]).is_some() },
];

/// Installs what the tests need and what is missing.
pub(crate) fn run() -> Result<Done, String> {
    rust_component("fmt", "rustfmt")?;
    rust_component("clippy", "clippy")?;
    install(NEEDS)
}

/// Installs what the bench of the proxy needs and what is missing.
pub(crate) fn for_bench() -> Result<Done, String> {
    install(BENCH_NEEDS)
}

fn install(needs: &[Need]) -> Result<Done, String> {
    let missing = missing(needs);
    if missing.is_empty() {
        return Ok(Done::default());
    }
    let by_hand =
        format!("sudo apt-get update && sudo apt-get install --no-install-recommends {}", missing.join(" "));
    let needed =
        format!("This needs {}. Install it and run this again:\n\n  {by_hand}\n", missing.join(", "));
    let Some(privilege) = privilege().filter(|_| find(&["apt-get"]).is_some()) else { return Err(needed) };
    let install = ["install", "--yes", "--no-install-recommends"].iter().chain(&missing);
    quietly(apt_get(privilege, ["update"])).map_err(|error| format!("{error}\n{needed}"))?;
    quietly(apt_get(privilege, install.copied())).map_err(|error| format!("{error}\n{needed}"))?;
    match self::missing(needs).as_slice() {
        [] => Ok(Done { note: Some(format!("installed {}", missing.join(", "))), tally: None }),
        still => Err(format!("{} was installed and still is not found", still.join(", "))),
    }
}

fn missing(needs: &[Need]) -> Vec<&'static str> {
    needs.iter().filter(|need| !(need.is_there)()).map(|need| need.package).collect()
}

fn has_python_requests() -> bool {
    let mut ask = Command::new("python3");
    ask.args(["-c", "import requests"]);
    quietly(ask).is_ok()
}

/// Debian keeps the server's programs off the path.
fn has_postgres() -> bool {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    versions.map(|version| version.path()).any(|path| path.join("bin/initdb").is_file())
        || find(&["initdb"]).is_some()
}

/// How to become root: not at all, or by sudo where it asks for no password.
fn privilege() -> Option<&'static [&'static str]> {
    let says = |program: &str, arguments: &[&str]| Command::new(program).args(arguments).output().ok();
    if says("id", &["-u"])?.stdout.trim_ascii() == b"0" {
        return Some(&[]);
    }
    says("sudo", &["-n", "true"])?.status.success().then_some(&["sudo", "-n"])
}

fn apt_get<'a>(privilege: &[&str], arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut words = privilege.iter().copied().chain(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
    let mut command = Command::new(words.next().unwrap_or("env"));
    command.args(words).args(arguments).current_dir(Path::new("/"));
    command
}

fn rust_component(subcommand: &str, component: &str) -> Result<(), String> {
    if quietly(cargo([subcommand, "--version"])).is_ok() {
        return Ok(());
    }
    let mut add = Command::new("rustup");
    add.args(["component", "add", component]);
    quietly(add).map(|_| ()).map_err(|error| format!("{error}\nInstall it: rustup component add {component}"))
}
