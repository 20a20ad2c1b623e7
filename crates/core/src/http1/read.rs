//! Reads heads.

use std::{mem::MaybeUninit, ops::Range, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use httparse::{Header, ParserConfig, Status};
use hyper::ext::ReasonPhrase;

use super::{Fields, Head, LastNames, RequestTarget, is_named_once, names::Framing};
use crate::proxy::{Payload, Said};

/// With more than so many headers a message is not plain.
const MAX_HEADERS: usize = 48;

/// The head of a plain answer.
pub struct Answer {
    /// Status and headers.
    pub head: Box<Head>,
    /// Bytes that they take.
    pub end: usize,
    /// Bytes of the body.
    pub length: u64,
}

/// A request.
pub struct Request {
    /// The method.
    pub method: Method,
    /// What it asks for; of HTTP/2, the host as well.
    pub target: RequestTarget,
    /// The headers.
    pub said: Arc<Said>,
    /// The body; the whole of it, if the request is plain.
    pub body: Payload,
}

impl<B: Into<Payload>> From<http::Request<B>> for Request {
    fn from(request: http::Request<B>) -> Self {
        let (parts, body) = request.into_parts();
        let said = Arc::new(parts.headers.into());
        Self { method: parts.method, target: parts.uri.into(), said, body: body.into() }
    }
}

/// The headers of the last request on a connection. Most often the next has the very same: they are not read again, and
/// what was found out about them holds.
#[derive(Default)]
pub struct Last {
    /// As they were written, up to the empty line behind them.
    text: Vec<u8>,
    said: Option<Arc<Said>>,
    /// What they tell of the body's length.
    length: u64,
}

/// A request, if these bytes are exactly one, whole, with its body, and plain.
pub fn read_request(bytes: &[u8], last: &mut Last) -> Option<Request> {
    let mut headers = [const { MaybeUninit::<Header<'_>>::uninit() }; MAX_HEADERS];
    let mut head = httparse::Request::new(&mut []);
    let line = line_end(bytes)?;
    // An empty line, such as may stand before a request, is none.
    let is_same = line > b"\r\n".len() && last.said.is_some() && bytes[line..].starts_with(&last.text);
    // The line alone is a head that is not complete.
    let read = if is_same { &bytes[..line] } else { bytes };
    let end = match head.parse_with_uninit_headers(read, &mut headers) {
        Ok(Status::Partial) if is_same && head.version.is_some() => line + last.text.len(),
        Ok(Status::Complete(end)) if !is_same => end,
        _ => return None,
    };
    let (method, path) = (head.method?, head.path?);
    if head.version != Some(1) || !path.starts_with('/') || method == Method::CONNECT.as_str() {
        return None;
    }
    if !is_same {
        // Empty lines may stand before the request.
        let behind = path.as_ptr() as usize - bytes.as_ptr() as usize + path.len();
        let start = behind + line_end(&bytes[behind..])?;
        *last = Last::read(bytes, head.headers, start..end)?;
    }
    let body = &bytes[end..];
    if last.length != body.len() as u64 {
        return None;
    }
    Some(Request {
        method: Method::from_bytes(method.as_bytes()).ok()?,
        target: RequestTarget::read(path)?,
        said: last.said.clone()?,
        body: Bytes::copy_from_slice(body).into(),
    })
}

/// Bytes of the first line.
fn line_end(bytes: &[u8]) -> Option<usize> {
    Some(memchr::memchr(b'\n', bytes)? + 1)
}

impl Last {
    /// Those of this message, where they are plain.
    fn read(bytes: &[u8], from: &[Header<'_>], at: Range<usize>) -> Option<Self> {
        let names = from.iter().map(|it| HeaderName::from_bytes(it.name.as_bytes()).ok());
        let names = names.collect::<Option<Vec<_>>>()?;
        let length = Framing::read(&names)?.length(|at| from[at].value)?.unwrap_or(0);
        let hosts = names.iter().zip(from).filter(|(name, _)| **name == header::HOST);
        if !is_named_once(hosts.map(|(_, it)| it.value)) {
            return None;
        }
        let mut headers = HeaderMap::with_capacity(from.len());
        for (name, it) in names.into_iter().zip(from) {
            // A copy, so that the whole message is not held on to.
            headers.append(name, HeaderValue::from_bytes(it.value).ok()?);
        }
        Some(Self { text: bytes[at].to_vec(), said: Some(Arc::new(headers.into())), length })
    }
}

/// The head of an answer to a request with this method, if these bytes begin with one, whole and plain.
pub fn read_answer(bytes: &Bytes, method: &Method, last: &mut LastNames) -> Option<Answer> {
    let mut headers = [const { MaybeUninit::<Header<'_>>::uninit() }; MAX_HEADERS];
    let mut head = httparse::Response::new(&mut []);
    let line = line_end(bytes)?;
    // An empty line, such as may stand before an answer, is none.
    let known = last.read(bytes, line).filter(|_| line > b"\r\n".len());
    // The line alone is a head that is not complete.
    let read = if known.is_some() { &bytes[..line] } else { bytes };
    let parsed = ParserConfig::default().parse_response_with_uninit_headers(&mut head, read, &mut headers);
    let (fields, end) = match (parsed, known) {
        (Ok(Status::Partial), Some(known)) if head.reason.is_some() => known,
        (Ok(Status::Complete(end)), None) => (Fields::read(bytes, head.headers, last)?, end),
        _ => return None,
    };
    let status = StatusCode::from_u16(head.code?).ok()?;
    // What comes before an answer, or another protocol.
    if head.version != Some(1) || status.is_informational() {
        return None;
    }
    let length = fields.length()?;
    let is_bare = *method == Method::HEAD || matches!(status.as_u16(), 204 | 304);
    // Without a length it goes on until the connection ends.
    let length = if is_bare { 0 } else { length? };
    let reason = match head.reason {
        Some(reason) if status.canonical_reason() != Some(reason) => {
            Some(ReasonPhrase::try_from(reason.as_bytes()).ok()?)
        }
        _ => None,
    };
    Some(Answer { head: Box::new(Head { status, reason, fields }), end, length })
}
