//! The reverse proxy from outside: what gets in, what gets out, and what happens when somebody breaks off.

mod faults;
mod feedback;
mod hostile;
mod limits;
mod passing;
mod plain;

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use serde_json::Value;

use crate::{
    common::{GOOD, House, Server},
    upstream::Upstream,
};

/// A server, an app that records what it gets, a connection to it, and a token.
struct Stage {
    house: House,
    server: Server,
    app: Upstream,
    /// `/proxy/sales-eu`
    at: String,
}

impl Stage {
    fn new() -> Self {
        Self::with(&[])
    }

    fn with(more: &[&str]) -> Self {
        let (house, app) = (House::new(), Upstream::start());
        let server = serve(&house, &app, more);
        assert_eq!(server.create("Sales EU", GOOD, "acme")["reason"], "ok");
        Self { house, server, app, at: "/proxy/sales-eu".into() }
    }

    /// The same data, served by a new process.
    fn restart(self) -> Self {
        let Self { house, server, app, at } = self;
        server.stop();
        let server = serve(&house, &app, &[]);
        Self { house, server, app, at }
    }

    fn token(&self) -> &str {
        &self.server.token
    }

    /// A token with limits.
    fn limited(&self, limits: &[&str]) -> String {
        let name = format!("limited-{}", limits.join("-"));
        let made = self
            .house
            .run(&[&["token", "create", "--name", &name[..name.len().min(60)]], limits].concat(), "");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        String::from_utf8(made.stdout).unwrap().trim().to_owned()
    }

    fn call(&self, method: &str, path: &str, token: &str) -> crate::common::Answer {
        self.server.send(method, &format!("{}{path}", self.at), &[("x-api-token", token)], b"")
    }

    /// Sends these bytes as they are and reads until the server has said all it will.
    fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect();
        stream.write_all(bytes).unwrap();
        let mut text = Vec::new();
        stream.set_read_timeout(Some(Duration::from_millis(700))).unwrap();
        let _ = stream.read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(self.server.url.strip_prefix("http://").unwrap()).unwrap()
    }

    fn metric(&self, name: &str) -> f64 {
        let text = self.server.api("GET", "/metrics", &Value::Null).text;
        let line =
            text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}: {text}"));
        line.split_whitespace().next_back().unwrap().parse().unwrap()
    }

    /// Waits until this stands in the log.
    fn logs(&self, text: &str) {
        for _ in 0..100 {
            if self.server.log().contains(text) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("{text} is not in the log: {}", self.server.log());
    }

    /// Waits until no call is under way any more: none is stuck.
    fn settles(&self, of: &str) {
        for _ in 0..100 {
            if self.metric("keyhaven_calls_in_flight") == 0.0 {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("{of}: a call is stuck");
    }
}

fn serve(house: &House, app: &Upstream, more: &[&str]) -> Server {
    let mut command = house.command(&[&["serve", "--listen", "127.0.0.1:0"], more].concat());
    command.env("KEYHAVEN_EGRESS_OVERRIDE", format!("*.pipedrive.com=http://{}", app.address));
    Server::start(command, house.token())
}
