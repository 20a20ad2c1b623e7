//! One run of `keyhaven sync`, watched from outside.

use std::{
    env, fs,
    io::{Read, Write},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;

/// The stand-in's key of Ada at Acme.
pub(crate) const KEY: &str = "600d600d600d600d600d600d600d600d600d600d";

/// Data with one connection.
pub(crate) struct Vault {
    data: TempDir,
    address: String,
}

/// What a run took.
#[derive(Debug)]
pub(crate) struct Run {
    pub rows: u64,
    pub written: u64,
    pub seconds: f64,
    /// The most memory it had, in MiB.
    pub memory: f64,
    /// The most requests that a stream took.
    pub most_requests: u64,
}

impl Vault {
    pub(crate) fn new(address: &str) -> Self {
        let vault = Self { data: tempfile::tempdir().expect("a folder"), address: address.to_owned() };
        let mut connect = vault.command();
        connect.args(["connect", "pipedrive", "--name", "Bench", "--domain", "acme", "--key-stdin"]);
        let mut child = connect.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("keyhaven");
        child.stdin.take().expect("piped").write_all(KEY.as_bytes()).expect("the key is read");
        assert!(child.wait().expect("it ends").success());
        vault
    }

    fn command(&self) -> Command {
        let mut command =
            Command::new(env::var("KEYHAVEN_BIN").expect("KEYHAVEN_BIN: run `cargo xtask bench sync`"));
        command
            .env("KEYHAVEN_DATA", self.data.path())
            .env("KEYHAVEN_EGRESS_OVERRIDE", format!("*.pipedrive.com=http://{}", self.address))
            .env("KEYHAVEN_LOG", "error");
        command
    }

    pub(crate) fn sync(&self, to: &str, more: &[&str]) -> Run {
        let mut command = self.command();
        command.args(["sync", "bench", "--json", "--budget", "100", "--to", to]).args(more);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("keyhaven");
        let process = child.id();
        let mut output = child.stdout.take().expect("piped");
        let reader = thread::spawn(move || {
            let mut text = String::new();
            output.read_to_string(&mut text).expect("text");
            text
        });
        let mut memory = 0.0f64;
        while child.try_wait().expect("it runs").is_none() {
            memory = memory.max(peak(process));
            thread::sleep(Duration::from_millis(20));
        }
        let text = reader.join().expect("read");
        let told: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert_eq!(told["outcome"], "done", "{}", told["message"]);
        let count = |value: &Value| value.as_u64().unwrap_or_default();
        let each = told["streams"].as_array().expect("streams");
        Run {
            rows: count(&told["rows_read"]),
            written: count(&told["rows_written"]),
            seconds: told["seconds"].as_f64().unwrap_or(f64::NAN),
            memory,
            most_requests: each.iter().map(|it| count(&it["requests"])).max().unwrap_or_default(),
        }
    }
}

fn peak(process: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap_or(0.0) / 1024.0
}
