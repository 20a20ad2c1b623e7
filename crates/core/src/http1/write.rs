//! Writes heads.

use std::time::{Duration, UNIX_EPOCH};

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use super::Head;
use crate::Millis;

/// The last date that has four digits for its year.
const LAST: u64 = 253_402_300_799_000;
/// Room for most headers of requests.
const ROOM: usize = 384;

/// A whole request. Neither its first headers nor the other lines may speak of its length.
pub(crate) fn write_request<'a>(
    method: &Method,
    path: &[&str],
    first: impl Iterator<Item = (&'a HeaderName, &'a HeaderValue)>,
    lines: &[u8],
    body: &[u8],
) -> Vec<u8> {
    let length: usize = path.iter().map(|part| part.len()).sum();
    let mut out = Vec::with_capacity(ROOM + length + lines.len() + body.len());
    for parts in [&[method.as_str(), " "], path, &[" HTTP/1.1\r\n"]] {
        parts.iter().for_each(|part| out.extend(part.as_bytes()));
    }
    first.for_each(|(name, value)| write_line(&mut out, name, value.as_bytes()));
    out.extend(lines);
    // Some servers want to hear that there is nothing where they expect something.
    if !body.is_empty() || matches!(*method, Method::POST | Method::PUT | Method::PATCH) {
        write_number(&mut out, "content-length: ", body.len() as u64);
    }
    out.extend(b"\r\n");
    out.extend(body);
    out
}

/// Headers as they stand in a head.
pub(crate) fn write_lines(headers: &HeaderMap) -> Vec<u8> {
    let mut lines = Vec::with_capacity(ROOM);
    headers.iter().for_each(|(name, value)| write_line(&mut lines, name, value.as_bytes()));
    lines
}

/// How the end of an answer's body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// There can be no body; a length in the headers speaks of another answer.
    Bare,
    /// So many bytes.
    Known(u64),
    /// By chunks.
    Chunks,
}

/// The head of an answer, after which the connection closes or not.
pub fn write_answer(
    out: &mut Vec<u8>,
    Head { status, reason, fields }: &Head,
    length: Length,
    closes: bool,
    now: impl FnOnce() -> Millis,
) {
    out.extend(b"HTTP/1.1 ");
    out.extend(status.as_str().as_bytes());
    out.push(b' ');
    match reason {
        Some(reason) => out.extend(reason.as_bytes()),
        None => out.extend(status.canonical_reason().unwrap_or_default().as_bytes()),
    }
    out.extend(b"\r\n");
    // The length of what HEAD or a condition left out may be told; where nothing can be, none may.
    let keeps_length = length == Length::Bare && *status != StatusCode::NO_CONTENT;
    fields.write(out, keeps_length);
    if fields.get(&header::DATE).is_none() {
        let now = UNIX_EPOCH + Duration::from_millis(now().unsigned_abs().min(LAST));
        out.extend(b"date: ");
        out.extend(httpdate::fmt_http_date(now).as_bytes());
        out.extend(b"\r\n");
    }
    match length {
        Length::Bare => {}
        Length::Known(length) => write_number(out, "content-length: ", length),
        Length::Chunks => out.extend(b"transfer-encoding: chunked\r\n"),
    }
    if closes {
        out.extend(b"connection: close\r\n");
    }
    out.extend(b"\r\n");
}

pub(super) fn write_line(out: &mut Vec<u8>, name: &HeaderName, value: &[u8]) {
    out.extend(name.as_str().as_bytes());
    out.extend(b": ");
    out.extend(value);
    out.extend(b"\r\n");
}

fn write_number(out: &mut Vec<u8>, name: &str, number: u64) {
    out.extend(name.as_bytes());
    out.extend(itoa::Buffer::new().format(number).as_bytes());
    out.extend(b"\r\n");
}
