//! A Keyhaven of our own, with fresh data.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use http::{Method, header};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{Client, process::Process};

/// Where the tests are told to ask for help; shown beside each !.
const SUPPORT: &str = "help@keyhaven.example";

/// A running server.
pub struct Server {
    // The process ends before its data go.
    process: Process,
    data: TempDir,
    url: String,
    link: String,
}

impl Server {
    /// Starts one on a free port; Pipedrive is what listens at `sandbox`, an address without scheme. Two more hosts
    /// go wrong below HTTP: nothing listens at `closed.example.com`, and `insecure.example.com` does not speak TLS.
    #[must_use]
    pub fn start(sandbox: &str) -> Self {
        let faulty = format!("closed.example.com=http://127.0.0.1:9,insecure.example.com=https://{sandbox}");
        Self::run(fresh(), &format!("{},{faulty}", pipedrive_is(sandbox)))
    }

    /// [`Server::start`] without those two.
    #[must_use]
    pub fn start_for_pipedrive(sandbox: &str) -> Self {
        Self::with_data(fresh(), sandbox)
    }

    /// [`Server::start_for_pipedrive`] with data that are there.
    #[must_use]
    pub fn with_data(data: TempDir, sandbox: &str) -> Self {
        Self::run(data, &pipedrive_is(sandbox))
    }

    fn run(data: TempDir, overrides: &str) -> Self {
        let log = fs::File::create(data.path().join("log")).expect("a log file");
        let mut process = Process::start(binary(), ["serve", "--listen", "127.0.0.1:0"], |command| {
            calm(command, data.path());
            command
                .env("KEYHAVEN_EGRESS_OVERRIDE", overrides)
                .env("KEYHAVEN_SUPPORT", SUPPORT)
                .stdout(Stdio::piped())
                .stderr(log);
        });
        let Some(line) = process.line_with("/sign-in?token=") else {
            panic!("Keyhaven did not start:\n{}", read_log(data.path()));
        };
        let link = line.split_whitespace().last().unwrap_or_default().to_owned();
        let url = link.split("/sign-in").next().unwrap_or_default().to_owned();
        Self { process, data, url, link }
    }

    /// Without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The one-time link of this start.
    #[must_use]
    pub fn sign_in_link(&self) -> &str {
        &self.link
    }

    /// What it logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        read_log(self.data.path())
    }

    /// Its process id.
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        self.process.id()
    }

    /// Its data folder.
    #[must_use]
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// Ends it; its data stay.
    #[must_use]
    pub fn stop(self) -> TempDir {
        drop(self.process);
        self.data
    }

    /// An access token, made by the command line.
    #[must_use]
    pub fn token(&self) -> String {
        let mut command = Command::new(binary());
        calm(&mut command, self.data.path());
        let made = command.args(["token", "create", "--name", "e2e"]).output().expect("Keyhaven runs");
        assert!(made.status.success(), "no token: {}", String::from_utf8_lossy(&made.stderr));
        String::from_utf8_lossy(&made.stdout).trim().to_owned()
    }

    /// A client with an access token of its own.
    #[must_use]
    pub fn api(&self) -> Client {
        Client::new(&self.url).with(header::AUTHORIZATION, &format!("Bearer {}", self.token()))
    }
}

impl Client {
    /// Saves a Pipedrive connection.
    pub async fn connect(&self, name: &str, key: &str, domain: &str) -> Value {
        let fields = json!({ "api_key": key, "domain": domain });
        let body = json!({ "connector": "pipedrive", "name": name, "fields": fields });
        self.json(Method::POST, "/api/v1/connections", Some(&body)).await
    }
}

fn fresh() -> TempDir {
    tempfile::Builder::new().prefix("keyhaven-e2e-").tempdir().expect("a temporary folder")
}

fn pipedrive_is(sandbox: &str) -> String {
    format!("*.pipedrive.com=http://{sandbox}")
}

/// Nothing of the developer's own settings, and no other data.
fn calm(command: &mut Command, data: &Path) {
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("KEYHAVEN_")) {
        command.env_remove(name);
    }
    command.env("KEYHAVEN_DATA", data);
}

fn read_log(data: &Path) -> String {
    fs::read_to_string(data.join("log")).unwrap_or_default()
}

/// `KEYHAVEN_BIN`, or the program that was built beside this one.
#[must_use]
pub(crate) fn binary() -> PathBuf {
    let beside = || {
        let mut path = env::current_exe().expect("a path");
        while path.pop() {
            if path.join("keyhaven").is_file() {
                return path.join("keyhaven");
            }
            if path.join("CACHEDIR.TAG").is_file() {
                break;
            }
        }
        panic!("there is no Keyhaven to test: run `cargo xtask e2e`, or `cargo build` first")
    };
    env::var_os("KEYHAVEN_BIN").map_or_else(beside, PathBuf::from)
}
