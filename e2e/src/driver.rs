//! Chromium by chromedriver.

use std::process::Stdio;

use fantoccini::{Client, ClientBuilder, wd::Capabilities};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::Process;

/// How the browser shall be.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Runs scripts.
    pub script: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { script: true }
    }
}

/// A driver with its browser and the browser's profile.
pub(crate) struct Driver {
    _process: Process,
    _profile: TempDir,
}

impl Driver {
    pub(crate) async fn start(options: Options) -> (Self, Client) {
        let (process, line) = (0..TRIES)
            .find_map(|_| listening())
            .expect("chromedriver does not start; it comes with: apt-get install chromium-driver");
        let port: String = line.chars().rev().filter(char::is_ascii_digit).collect();
        let port: String = port.chars().rev().collect();
        let profile = tempfile::Builder::new().prefix("keyhaven-e2e-").tempdir().expect("a temporary folder");
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities(options, &profile));
        let client = builder.connect(&format!("http://127.0.0.1:{port}")).await.expect("Chromium starts");
        (Self { _process: process, _profile: profile }, client)
    }
}

/// It takes a free port twice, for either version of IP, and ends where somebody else was faster with the second one.
const TRIES: usize = 5;

fn listening() -> Option<(Process, String)> {
    let mut process = Process::start("chromedriver", ["--port=0"], |command| {
        command.stdout(Stdio::piped()).stderr(Stdio::null());
    });
    let line = process.line_with("successfully on port")?;
    Some((process, line))
}

fn capabilities(options: Options, profile: &TempDir) -> Capabilities {
    let user_data = format!("--user-data-dir={}", profile.path().display());
    let arguments = [
        "--headless",
        // Tests may run as root, where Chromium's sandbox does not start.
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-quic",
        "--disable-sync",
        "--disable-background-networking",
        "--disable-component-update",
        "--no-first-run",
        "--hide-scrollbars",
        "--lang=en",
        "--window-size=1280,800",
        &user_data,
    ];
    let script = if options.script { 1 } else { 2 };
    let all = json!({
        "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        "goog:chromeOptions": {
            "args": arguments,
            "prefs": { "profile.managed_default_content_settings.javascript": script },
        },
    });
    match all {
        Value::Object(all) => all,
        _ => Capabilities::new(),
    }
}
