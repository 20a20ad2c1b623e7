//! Whatever is taken for a plain message, hyper reads to the same; what came before on its connection changes nothing.
#![no_main]

use std::{
    cell::RefCell,
    convert::Infallible,
    future::Future,
    io,
    ops::RangeInclusive,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, Version};
use http_body_util::{BodyExt, Empty};
use hyper::{
    body::{Body, Incoming},
    client::conn::http1 as client,
    ext::ReasonPhrase,
    rt::{Read, ReadBufCursor, Write},
    server::conn::http1 as server,
    service::service_fn,
};
use keyhaven_core::{
    http1::{Last, LastNames, read_answer, read_request},
    proxy::Payload,
};
use libfuzzer_sys::fuzz_target;

/// What bytes from 0x80 on stand for.
#[rustfmt::skip]
const WORDS: [&str; 60] = [
    "GET /proxy/x HTTP/1.1\r\n", "POST /a?b=c#d HTTP/1.1\r\n", "HEAD / HTTP/1.1\r\n", "PUT /%20 HTTP/1.0\r\n",
    "CONNECT a:1 HTTP/1.1\r\n", "OPTIONS * HTTP/1.1\r\n", "GET http://a/b HTTP/1.1\r\n", "HTTP/1.1 200 OK\r\n",
    "HTTP/1.1 200\r\n", "HTTP/1.1 204 No Content\r\n", "HTTP/1.1 304 X\r\n", "HTTP/1.1 100 Continue\r\n",
    "HTTP/1.1 101 X\r\n", "HTTP/1.1 999 \r\n", "HTTP/1.0 200 OK\r\n", "\r\n", "\n", "\r", "\r\n\r\n", ":", ": ", " ",
    "\t", ",", "host: a\r\n", "content-length: ", "Content-Length:", "content-length: LENGTH\r\n", "content-length: 0\r\n",
    "content-length: 5\r\n", "content-length: 05\r\n", "content-length: +5\r\n", "content-length: 5, 5\r\n",
    "content-length: 18446744073709551613\r\n", "content-length: 18446744073709551615\r\n",
    "content-length: 99999999999999999999\r\n", "transfer-encoding: chunked\r\n", "Transfer-Encoding: identity\r\n",
    "transfer-encoding: ", "chunked", "connection: ", "connection: close\r\n", "Connection: Keep-Alive\r\n",
    "connection: keep-alive, close\r\n", "close", "keep-alive\r\n", "upgrade: h2c\r\n", "expect: 100-continue\r\n",
    "te: trailers\r\n", "trailer: x-a\r\n", "x-a: b\r\n", "X-A:\r\n", "x-b: b\r\n", "x-c: \u{e9}\t\r\n", " folded\r\n",
    "x-d : e\r\n", "abcde", "\r\n\r\nabcde", "0\r\n\r\n", "5\r\nabcde\r\n0\r\n\r\n",
];
const WORD: u8 = 0x80;
/// Stands for the length of what follows the head.
const LENGTH: &str = "LENGTH";
/// The words that end a line, or a head.
const ENDS: RangeInclusive<u8> = WORD + 15..=WORD + 18;
/// Makes the next byte stand for itself.
const ITSELF: u8 = 0xff;
/// Hyper rests after some steps, and wants to be asked again.
const TIMES: usize = 40;

fuzz_target!(|data: &[u8]| {
    let Some((kind, data)) = data.split_first() else { return };
    // One that is much like it, with other words.
    let other = |byte: &u8| if *byte >= WORD && !ENDS.contains(byte) { byte ^ (kind >> 4) } else { *byte };
    let before: Vec<_> = data.iter().map(other).collect();
    let start = match kind % 8 {
        4 | 5 => WORDS[0],
        6 | 7 => WORDS[7],
        _ => "",
    };
    let (before, bytes) = (message(start, &before), message(start, data));
    match kind % 4 {
        0 | 1 => request(&before, &bytes),
        2 => answer(&before, &bytes, &Method::GET),
        _ => answer(&before, &bytes, &Method::HEAD),
    }
});

fn request(before: &Bytes, bytes: &Bytes) {
    let read = |last: &mut Last| {
        let it = read_request(bytes, last)?;
        let Payload::Whole(body) = it.body else { panic!("a plain body is whole") };
        Some((it.method, it.target.as_str().to_owned(), lines(it.said.headers()), body))
    };
    let mut last = Last::default();
    let ours = read(&mut last);
    assert_eq!(read(&mut last), ours, "read once more");
    let mut last = Last::default();
    read_request(before, &mut last);
    assert_eq!(read(&mut last), ours, "after another");
    let mut last = Last::default();
    read_request(&[b"PUT /other HTTP/1.1\r\n", behind_the_first_line(bytes)].concat(), &mut last);
    assert_eq!(read(&mut last), ours, "after one with the same headers");
    let Some(ours) = ours else { return };
    let seen = RefCell::new(Vec::new());
    let service = service_fn(async |request: Request<Incoming>| {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.expect("the body is whole").to_bytes();
        seen.borrow_mut().push((parts.method, parts.uri.to_string(), lines(&parts.headers), body));
        Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
    });
    let mut connection = pin!(server::Builder::new().serve_connection(Memory::of_caller(bytes), service));
    assert!(finish(connection.as_mut()).is_none(), "hyper waits for the next one");
    assert_eq!(*seen.borrow(), [ours]);
}

fn answer(before: &Bytes, bytes: &Bytes, method: &Method) {
    let read = |last: &mut LastNames| {
        read_answer(bytes, method, last).map(|it| {
            let reason = it.head.reason.map(|it| Bytes::copy_from_slice(it.as_bytes()));
            (it.head.status, reason, lines(&it.head.fields.to_map()), it.end, it.length)
        })
    };
    let mut last = LastNames::default();
    let ours = read(&mut last);
    assert_eq!(read(&mut last), ours, "read once more");
    let mut last = LastNames::default();
    read_answer(before, method, &mut last);
    assert_eq!(read(&mut last), ours, "after another");
    let mut last = LastNames::default();
    let like = [b"HTTP/1.1 404 Not Found\r\n", behind_the_first_line(bytes)].concat().into();
    read_answer(&like, &Method::HEAD, &mut last);
    assert_eq!(read(&mut last), ours, "after one with the same headers");
    let Some((status, our_reason, our_lines, end, length)) = ours else { return };
    let (mut send, mut connection) = finish(pin!(client::handshake(Memory::of_app(bytes))))
        .expect("nothing is sent yet")
        .expect("it is a client");
    let request =
        Request::builder().method(method).uri("/").body(Empty::<Bytes>::new()).expect("it is in order");
    let mut sent = pin!(send.send_request(request));
    let _ = finish(Pin::new(&mut connection));
    let (parts, mut body) =
        finish(sent.as_mut()).expect("there is an answer").expect("hyper reads it, too").into_parts();
    assert_eq!((parts.status, parts.version), (status, Version::HTTP_11));
    assert_eq!((reason(&parts), lines(&parts.headers)), (our_reason, our_lines));
    let came = &bytes[end..];
    let of_it = &came[..length.min(came.len() as u64) as usize];
    let mut got = Vec::new();
    for _ in 0..TIMES {
        let _ = finish(Pin::new(&mut connection));
        while let Some(Some(Ok(frame))) = finish(body.frame()) {
            got.extend(frame.into_data().expect("no trailers came"));
        }
    }
    assert_eq!((&got[..], body.is_end_stream()), (of_it, of_it.len() as u64 == length));
    assert_eq!(send.is_ready(), came.len() as u64 == length, "whether there may be another one");
}

fn behind_the_first_line(bytes: &[u8]) -> &[u8] {
    let line = bytes.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    &bytes[line..]
}

fn lines(headers: &HeaderMap) -> Vec<(String, Bytes)> {
    headers.iter().map(|(name, value)| (name.to_string(), Bytes::copy_from_slice(value.as_bytes()))).collect()
}

fn reason(parts: &http::response::Parts) -> Option<Bytes> {
    parts.extensions.get::<ReasonPhrase>().map(|it| Bytes::copy_from_slice(it.as_bytes()))
}

/// What a text of words and bytes stands for, after a start.
fn message(start: &str, data: &[u8]) -> Bytes {
    let mut bytes = start.as_bytes().to_vec();
    let mut data = data.iter();
    while let Some(&byte) = data.next() {
        match byte {
            ITSELF => bytes.extend(data.next()),
            WORD.. => bytes.extend(WORDS[usize::from(byte - WORD) % WORDS.len()].as_bytes()),
            _ => bytes.push(byte),
        }
    }
    let find = |what: &str| bytes.windows(what.len()).position(|part| part == what.as_bytes());
    if let (Some(at), Some(end)) = (find(LENGTH), find("\r\n\r\n"))
        && at < end
    {
        let length = (bytes.len() - end - 4).to_string();
        bytes.splice(at..at + LENGTH.len(), length.into_bytes());
    }
    bytes.into()
}

/// What comes of it, unless it goes on to wait.
fn finish<F: Future + Unpin>(mut future: F) -> Option<F::Output> {
    let mut cx = Context::from_waker(Waker::noop());
    (0..TIMES).find_map(|_| match Pin::new(&mut future).poll(&mut cx) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    })
}

/// A connection on which these bytes come and no more. An answer comes after the request.
struct Memory {
    left: Bytes,
    waits: bool,
}

impl Memory {
    fn of_caller(bytes: &Bytes) -> Self {
        Self { left: bytes.clone(), waits: false }
    }

    fn of_app(bytes: &Bytes) -> Self {
        Self { left: bytes.clone(), waits: true }
    }
}

impl Read for Memory {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let length = self.left.len().min(buffer.remaining());
        if length == 0 || self.waits {
            return Poll::Pending;
        }
        buffer.put_slice(&self.left.split_to(length));
        Poll::Ready(Ok(()))
    }
}

impl Write for Memory {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.waits = false;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
