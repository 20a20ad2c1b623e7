//! A stand-in, and a caller that sees every byte.

use keyhaven_sandbox::{Sandbox, State};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

pub(crate) const ADA: &str = "600d600d600d600d600d600d600d600d600d600d";
pub(crate) const GRACE: &str = "610be610be610be610be610be610be610be610be";

pub(crate) struct House {
    pub sandbox: Sandbox,
}

pub(crate) struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

impl House {
    /// Without a burst limit, which most tests would meet.
    pub(crate) async fn new() -> Self {
        let sandbox = Sandbox::start(([127, 0, 0, 1], 0).into()).await.expect("a free port");
        sandbox.state().set(|settings| settings.burst_limit = 0);
        Self { sandbox }
    }

    pub(crate) fn state(&self) -> &State {
        self.sandbox.state()
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.sandbox.address()).await.expect("it listens")
    }

    /// As Ada of Acme.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        self.ask_as(ADA, "acme", method, path, body).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "").await
    }

    pub(crate) async fn ask_as(&self, key: &str, host: &str, method: &str, path: &str, body: &str) -> Answer {
        let mut stream = self.connect().await;
        stream.write_all(request(key, host, method, path, body).as_bytes()).await.expect("sent");
        read(&mut stream).await.expect("an answer")
    }
}

pub(crate) fn request(key: &str, host: &str, method: &str, path: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nhost: {host}.pipedrive.com\r\nx-api-token: {key}\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
}

/// One answer; `None` when the connection ends before its end.
pub(crate) async fn read(stream: &mut TcpStream) -> Option<Answer> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).expect("text");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    let mut answer = Answer { status, head, body: Vec::new() };
    let length = answer.header("content-length").map_or(0, |length| length.parse().expect("a number"));
    answer.body = vec![0; length];
    stream.read_exact(&mut answer.body).await.ok()?;
    Some(answer)
}
