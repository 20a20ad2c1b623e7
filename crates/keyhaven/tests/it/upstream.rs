//! An app of our own below HTTP: it records every byte that comes, and answers as it is told to.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

/// How requests are answered, those of verifications aside.
#[derive(Clone)]
pub(crate) enum Script {
    /// These bytes, and the next request.
    Answer(Vec<u8>),
    /// These bytes with a pause before each, and the next request.
    Pieces(Vec<Vec<u8>>, Duration),
    /// These bytes, and the end.
    Last(Vec<u8>),
    /// These bytes, and then nothing more while the connection stays open.
    Hang(Vec<u8>),
    /// These bytes, and then a reset.
    Reset(Vec<u8>),
    /// These bytes as soon as the head is there; the body is dropped. If all of it came, the next request: the connection
    /// may be kept.
    Early(Vec<u8>),
    /// These bytes as soon as the head is there, and the end: what else comes is not taken.
    Shut(Vec<u8>),
    /// The body is read to its end and its length answered.
    Swallow,
    /// This many bytes, as fast as they are taken.
    Pour(usize),
}

pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    script: Mutex<Script>,
    /// What came, one entry for each request: head and as much of the body as its length says.
    seen: Mutex<Vec<Vec<u8>>>,
    open: Mutex<usize>,
    verified: Mutex<Vec<u8>>,
}

pub(crate) fn ok(body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

pub(crate) const GOOD_ACCOUNT: &str =
    r#"{"success":true,"data":{"name":"Ada","company_name":"Acme","company_id":7,"company_domain":"acme"}}"#;

impl Upstream {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            script: Mutex::new(Script::Answer(ok("{}"))),
            seen: Mutex::default(),
            open: Mutex::default(),
            verified: Mutex::new(ok(GOOD_ACCOUNT)),
        });
        let for_all = shared.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = stream.set_nodelay(true);
                let shared = for_all.clone();
                thread::spawn(move || {
                    *shared.open.lock().unwrap() += 1;
                    let _ = speak(stream, &shared);
                    *shared.open.lock().unwrap() -= 1;
                });
            }
        });
        Self { address, shared }
    }

    pub(crate) fn will(&self, script: Script) {
        *self.shared.script.lock().unwrap() = script;
    }

    /// What verifications are answered.
    pub(crate) fn verifies(&self, answer: Vec<u8>) {
        *self.shared.verified.lock().unwrap() = answer;
    }

    /// What came since the last call, verifications aside.
    pub(crate) fn seen(&self) -> Vec<String> {
        let all = std::mem::take(&mut *self.shared.seen.lock().unwrap());
        all.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect()
    }

    /// Connections that are open now.
    pub(crate) fn open(&self) -> usize {
        *self.shared.open.lock().unwrap()
    }
}

fn speak(mut stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut buffer = Vec::new();
    loop {
        let Some(end) = read_head(&mut stream, &mut buffer)? else { return Ok(()) };
        let head = String::from_utf8_lossy(&buffer[..end]).to_lowercase();
        if head.starts_with("get /api/v1/users/me ") || head.starts_with("get /v1/users/me ") {
            buffer.drain(..end);
            let answer = shared.verified.lock().unwrap().clone();
            stream.write_all(&answer)?;
            continue;
        }
        let script = shared.script.lock().unwrap().clone();
        if let Script::Swallow = script {
            shared.seen.lock().unwrap().push(buffer[..end].to_vec());
            let length = swallow(&mut stream, &mut buffer, end, &head)?;
            stream.write_all(&ok(&length.to_string()))?;
            continue;
        }
        if let Script::Early(bytes) = script {
            shared.seen.lock().unwrap().push(buffer[..end].to_vec());
            stream.write_all(&bytes)?;
            swallow(&mut stream, &mut buffer, end, &head)?;
            continue;
        }
        if let Script::Shut(bytes) = script {
            return stream.write_all(&bytes);
        }
        let length = match chunked_length(&mut stream, &mut buffer, end, &head)? {
            Some(length) => length,
            None => content_length(&head),
        };
        while buffer.len() < end + length && more(&mut stream, &mut buffer)? {}
        let taken = (end + length).min(buffer.len());
        shared.seen.lock().unwrap().push(buffer.drain(..taken).collect());
        match script {
            Script::Answer(bytes) => stream.write_all(&bytes)?,
            Script::Pieces(pieces, pause) => {
                for piece in pieces {
                    thread::sleep(pause);
                    stream.write_all(&piece)?;
                }
            }
            Script::Last(bytes) => return stream.write_all(&bytes),
            Script::Hang(bytes) => {
                stream.write_all(&bytes)?;
                while more(&mut stream, &mut buffer)? {}
                return Ok(());
            }
            Script::Reset(bytes) => {
                stream.write_all(&bytes)?;
                thread::sleep(Duration::from_millis(100));
                return stream.shutdown(Shutdown::Both);
            }
            Script::Pour(length) => pour(&mut stream, length)?,
            Script::Swallow | Script::Early(_) | Script::Shut(_) => {}
        }
    }
}

fn read_head(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> std::io::Result<Option<usize>> {
    loop {
        if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            return Ok(Some(at + 4));
        }
        if !more(stream, buffer)? {
            return Ok(None);
        }
    }
}

fn more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> std::io::Result<bool> {
    let mut chunk = [0; 65_536];
    let length = stream.read(&mut chunk)?;
    buffer.extend_from_slice(&chunk[..length]);
    Ok(length > 0)
}

fn content_length(head: &str) -> usize {
    let value = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    value.and_then(|value| value.trim().parse().ok()).unwrap_or(0)
}

/// How long the body is, where it comes in chunks. Those of our tests end with the first `0`.
fn chunked_length(
    stream: &mut TcpStream,
    buffer: &mut Vec<u8>,
    end: usize,
    head: &str,
) -> std::io::Result<Option<usize>> {
    if !head.contains("transfer-encoding: chunked") {
        return Ok(None);
    }
    loop {
        if let Some(at) = buffer[end..].windows(5).position(|window| window == b"0\r\n\r\n") {
            return Ok(Some(at + 5));
        }
        if !more(stream, buffer)? {
            return Ok(Some(buffer.len() - end));
        }
    }
}

fn swallow(stream: &mut TcpStream, buffer: &mut Vec<u8>, end: usize, head: &str) -> std::io::Result<usize> {
    let length = content_length(head);
    let mut got = buffer.len() - end;
    buffer.clear();
    let mut chunk = [0; 65_536];
    while got < length {
        match stream.read(&mut chunk)? {
            0 => break,
            more => got += more,
        }
    }
    Ok(got)
}

fn pour(stream: &mut TcpStream, length: usize) -> std::io::Result<()> {
    write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n")?;
    let chunk = [b'x'; 65_536];
    let mut left = length;
    while left > 0 {
        let now = left.min(chunk.len());
        stream.write_all(&chunk[..now])?;
        left -= now;
    }
    Ok(())
}
