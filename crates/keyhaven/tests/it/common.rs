//! The real program, the real sandbox, and a client.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use keyhaven_sandbox::Sandbox;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The sample key of the sandbox.
pub(crate) const GOOD: &str = "600d600d600d600d600d600d600d600d600d600d";
pub(crate) const GLOBEX: &str = "610be610be610be610be610be610be610be610be";
pub(crate) const WRONG: &str = "deaddeaddeaddeaddeaddeaddeaddeaddeaddead";

/// Data folder and sandbox; commands run with both.
pub(crate) struct House {
    pub(crate) sandbox: Sandbox,
    pub(crate) data: TempDir,
    _runtime: Runtime,
}

impl House {
    pub(crate) fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let any: SocketAddr = ([127, 0, 0, 1], 0).into();
        let sandbox = runtime.block_on(Sandbox::start(any)).unwrap();
        Self { sandbox, data: tempfile::tempdir().unwrap(), _runtime: runtime }
    }

    /// A command of the program, on this data.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keyhaven"));
        command
            .args(arguments)
            .env_clear()
            .env("KEYHAVEN_DATA", self.data.path())
            .env("KEYHAVEN_EGRESS_OVERRIDE", format!("*.pipedrive.com=http://{}", self.sandbox.address()));
        command
    }

    /// Runs a command; `input` goes to its standard input.
    pub(crate) fn run(&self, arguments: &[&str], input: &str) -> Output {
        run(&mut self.command(arguments), input)
    }

    pub(crate) fn token(&self) -> String {
        let output = self.run(&["token", "create", "--name", "test"], "");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub(crate) fn serve(&self, more: &[&str]) -> Server {
        Server::start(
            self.command(&[&["serve", "--listen", "127.0.0.1:0", "--log", "trace"], more].concat()),
            self.token(),
        )
    }
}

pub(crate) fn run(command: &mut Command, input: &str) -> Output {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A command that reads nothing may be gone already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// A running server. Ends with the test.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
    pub(crate) link: String,
    pub(crate) token: String,
    log: Arc<Mutex<String>>,
    agent: ureq::Agent,
}

/// An answer, read whole.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: ureq::http::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {} {}", self.status, self.text))
    }
}

impl Server {
    pub(crate) fn start(mut command: Command, token: String) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (kept, mut stderr) = (log.clone(), child.stderr.take().unwrap());
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = stderr.read(&mut buffer) {
                kept.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..length]));
            }
        });
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut last = |start: &str| {
            let line = lines.next().and_then(Result::ok).unwrap_or_default();
            assert!(line.contains(start), "{line:?} {}", log.lock().unwrap());
            line.split_whitespace().next_back().unwrap().to_owned()
        };
        let (url, link) = (last("runs on"), last("Sign in once"));
        // Nobody waits for ever.
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(Duration::from_secs(60)))
            .build();
        Self { child, url, link, token, log, agent: config.into() }
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Bytes of memory that it holds.
    pub(crate) fn resident(&self) -> usize {
        let text = fs::read_to_string(format!("/proc/{}/statm", self.child.id())).unwrap();
        text.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 4096
    }

    /// Asks to stop and waits for it.
    pub(crate) fn stop(mut self) {
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(self.child.wait().unwrap().success(), "{}", self.log());
    }

    /// One request with these headers and this body.
    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = self.agent.run(request.body(body.to_vec()).unwrap()).unwrap();
        let text = response.body_mut().with_config().limit(50_000_000).read_to_string().unwrap_or_default();
        Answer { status: response.status().as_u16(), headers: response.headers().clone(), text }
    }

    /// One request to the API with the token.
    pub(crate) fn api(&self, method: &str, path: &str, body: &Value) -> Answer {
        let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let bearer = format!("Bearer {}", self.token);
        self.send(method, path, &[("authorization", &bearer), ("content-type", "application/json")], &bytes)
    }

    pub(crate) fn create(&self, name: &str, key: &str, domain: &str) -> Value {
        let body =
            json!({ "connector": "pipedrive", "name": name, "fields": { "api_key": key, "domain": domain } });
        let answer = self.api("POST", "/api/v1/connections", &body);
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()
    }

    /// Signs in with a fresh link; the cookie.
    pub(crate) fn sign_in(&self, link: &str) -> String {
        let answer = self.send("GET", link.strip_prefix(&self.url).unwrap(), &[], b"");
        assert_eq!(answer.status, 303, "{}", answer.text);
        let cookie = answer.headers["set-cookie"].to_str().unwrap();
        cookie.split(';').next().unwrap().to_owned()
    }

    /// A page for who is signed in.
    pub(crate) fn page(&self, cookie: &str, path: &str) -> Answer {
        self.send("GET", path, &[("cookie", cookie)], b"")
    }

    /// A form that was filled in.
    pub(crate) fn form(&self, cookie: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let pair = |(name, value): &(&str, &str)| format!("{name}={}", encode(value));
        let body = fields.iter().map(pair).collect::<Vec<_>>().join("&");
        let headers = [
            ("cookie", cookie),
            ("content-type", "application/x-www-form-urlencoded"),
            ("sec-fetch-site", "same-origin"),
        ];
        self.send("POST", path, &headers, body.as_bytes())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn encode(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// All bytes of all files below a folder.
pub(crate) fn all_bytes(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        bytes.extend(if path.is_dir() { all_bytes(&path) } else { fs::read(&path).unwrap_or_default() });
    }
    bytes
}
