//! What idle callers and large bodies cost in memory.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    thread,
    time::Duration,
};

use keyhaven_e2e::Server;
use keyhaven_sandbox::{Fault, Rule, Sandbox};

use crate::Row;

const IDLE: usize = 10_000;
const BODY: usize = 1 << 30;
const MIB: f64 = 1024.0 * 1024.0;

pub(crate) async fn measure(server: Server, token: &str) -> Vec<Row> {
    let idle = idle(&server, token);
    drop(server);
    let sandbox = Sandbox::start(([127, 0, 0, 1], 0).into()).await.expect("a free port");
    let server = Server::start_for_pipedrive(&sandbox.address().to_string());
    server.api().connect("Bench", "600d600d600d600d600d600d600d600d600d600d", "acme").await;
    let token = server.token();
    let process = server.process_id().expect("a process");
    let grown = |pass: &dyn Fn()| {
        // Once to warm up, so that what stays anyway is not counted.
        pass();
        let before = resident(process, "VmRSS:");
        fs::write(format!("/proc/{process}/clear_refs"), "5").expect("the peak can be reset");
        pass();
        resident(process, "VmHWM:") - before
    };
    sandbox.state().add_fault(Rule::new(Fault::Swallow).path("/api/v1/files"));
    let up = grown(&|| send(&server, &token));
    sandbox.state().clear_faults();
    sandbox.state().add_fault(Rule::new(Fault::Big { bytes: BODY as u64 }).path("/api/v1/files"));
    let down = grown(&|| receive(&server, &token));
    vec![
        row("memory with 10,000 idle callers, MiB", 200.0, idle),
        row("more memory while 1 GiB goes up, MiB", 8.0, up),
        row("more memory while 1 GiB comes down, MiB", 8.0, down),
    ]
}

fn row(what: &'static str, promised: f64, measured: f64) -> Row {
    let (promised_text, keyhaven) = (format!("<= {promised:.0}"), format!("{measured:.1}"));
    Row { what, promised: promised_text, nginx: String::new(), keyhaven, kept: measured <= promised }
}

/// Each has made one call, and keeps its connection.
fn idle(server: &Server, token: &str) -> f64 {
    let process = server.process_id().expect("a process");
    let mut open = Vec::with_capacity(IDLE);
    for _ in 0..IDLE {
        let mut stream = connect(server);
        head(&mut stream, "GET", "/healthz", token, 0);
        let mut answer = [0; 2048];
        assert!(stream.read(&mut answer).expect("an answer") > 0);
        open.push(stream);
    }
    thread::sleep(Duration::from_secs(1));
    let resident = resident(process, "VmRSS:");
    assert_eq!(open.len(), IDLE);
    resident
}

fn send(server: &Server, token: &str) {
    let mut stream = connect(server);
    head(&mut stream, "POST", "/proxy/bench/api/v1/files", token, BODY);
    let piece = vec![b'x'; 256 * 1024];
    for _ in 0..BODY / piece.len() {
        stream.write_all(&piece).expect("the body is taken");
    }
    let mut answer = [0; 4096];
    let length = stream.read(&mut answer).expect("an answer");
    let text = String::from_utf8_lossy(&answer[..length]);
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
}

fn receive(server: &Server, token: &str) {
    let mut stream = connect(server);
    head(&mut stream, "GET", "/proxy/bench/api/v1/files", token, 0);
    let (mut got, mut piece) = (0, vec![0; 256 * 1024]);
    while got < BODY {
        let length = stream.read(&mut piece).expect("more");
        assert!(length > 0, "the body ended after {got} bytes");
        got += length;
    }
}

fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.url().trim_start_matches("http://")).expect("a connection")
}

fn head(stream: &mut TcpStream, method: &str, path: &str, token: &str, length: usize) {
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\nx-api-token: {token}\r\ncontent-length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).expect("a request");
}

/// MiB.
fn resident(process: u32, what: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(what)).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap_or(f64::NAN) * 1024.0 / MIB
}
