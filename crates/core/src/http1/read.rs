//! Reads heads.

use std::mem::MaybeUninit;

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, Version, header,
    response::Parts,
};
use httparse::{Header, ParserConfig, Status};
use hyper::ext::ReasonPhrase;

/// With more than so many headers a message is not plain.
const MAX_HEADERS: usize = 48;

/// The head of a plain answer.
pub struct Answer {
    /// Status and headers.
    pub parts: Parts,
    /// Bytes of the head.
    pub head: usize,
    /// Bytes of the body.
    pub length: u64,
}

/// A request, if these bytes are exactly one, whole, with its body, and plain.
pub fn read_request(bytes: &Bytes, last: &mut Last) -> Option<Request<Bytes>> {
    let mut headers = [const { MaybeUninit::<Header<'_>>::uninit() }; MAX_HEADERS];
    let mut head = httparse::Request::new(&mut []);
    let Ok(Status::Complete(end)) = head.parse_with_uninit_headers(bytes, &mut headers) else { return None };
    let (method, path) = (head.method?, head.path?);
    if head.version != Some(1) || !path.starts_with('/') || method == Method::CONNECT.as_str() {
        return None;
    }
    let headers = last.read(bytes, head.headers)?;
    if length(&headers)?.unwrap_or(0) != (bytes.len() - end) as u64 {
        return None;
    }
    let mut request = Request::new(bytes.slice(end..));
    *request.method_mut() = Method::from_bytes(method.as_bytes()).ok()?;
    *request.uri_mut() = Uri::from_maybe_shared(bytes.slice_ref(path.as_bytes())).ok()?;
    *request.headers_mut() = headers;
    Some(request)
}

/// The head of an answer to a request with this method, if these bytes begin with one, whole and plain.
pub fn read_answer(bytes: &Bytes, method: &Method, last: &mut Last) -> Option<Answer> {
    let mut headers = [const { MaybeUninit::<Header<'_>>::uninit() }; MAX_HEADERS];
    let mut head = httparse::Response::new(&mut []);
    let parsed = ParserConfig::default().parse_response_with_uninit_headers(&mut head, bytes, &mut headers);
    let Ok(Status::Complete(end)) = parsed else { return None };
    let status = StatusCode::from_u16(head.code?).ok()?;
    // What comes before an answer, or another protocol.
    if head.version != Some(1) || status.is_informational() {
        return None;
    }
    let headers = last.read(bytes, head.headers)?;
    let length = length(&headers)?;
    let is_bare = *method == Method::HEAD || matches!(status.as_u16(), 204 | 304);
    // Without a length it goes on until the connection ends.
    let length = if is_bare { 0 } else { length? };
    let mut parts = Response::new(()).into_parts().0;
    (parts.status, parts.version, parts.headers) = (status, Version::HTTP_11, headers);
    if let Some(reason) = head.reason.filter(|reason| status.canonical_reason() != Some(reason)) {
        parts.extensions.insert(ReasonPhrase::try_from(reason.as_bytes()).ok()?);
    }
    Some(Answer { parts, head: end, length })
}

/// The headers of the last message that came on a connection: most are repeated by the next one, and need not be read
/// again.
#[derive(Default)]
pub struct Last {
    /// As they were written.
    names: Vec<Box<str>>,
    headers: HeaderMap,
}

/// Room for the headers that are added on the way.
const ADDED: usize = 6;

impl Last {
    /// The headers of a message, if each may stand there.
    fn read(&mut self, bytes: &Bytes, from: &[Header<'_>]) -> Option<HeaderMap> {
        let value = |came: &[u8]| HeaderValue::from_maybe_shared(bytes.slice_ref(came)).ok();
        if self.names.len() == from.len() && self.names.iter().zip(from).all(|(name, it)| **name == *it.name)
        {
            let mut headers = self.headers.clone();
            for (last, it) in headers.values_mut().zip(from).filter(|(last, it)| last.as_bytes() != it.value)
            {
                *last = value(it.value)?;
            }
            return Some(headers);
        }
        let mut headers = HeaderMap::with_capacity(from.len() + ADDED);
        for it in from {
            headers.append(HeaderName::from_bytes(it.name.as_bytes()).ok()?, value(it.value)?);
        }
        *self = Self::default();
        // Names that repeat would stand in another order.
        if headers.keys_len() == headers.len() {
            self.names.extend(from.iter().map(|it| Box::from(it.name)));
            self.headers.reserve(from.len() + ADDED);
            // Copies, so that the whole message is not held on to.
            for (name, value) in &headers {
                self.headers.insert(name, HeaderValue::from_bytes(value.as_bytes()).ok()?);
            }
        }
        Some(headers)
    }
}

/// The one length that the headers tell, unless anything in them makes the message less than plain.
fn length(headers: &HeaderMap) -> Option<Option<u64>> {
    let mut length = None;
    for (name, value) in headers {
        match *name {
            header::CONTENT_LENGTH if length.is_some() => return None,
            header::CONTENT_LENGTH => length = Some(number(value.as_bytes())?),
            header::CONNECTION if !value.as_bytes().eq_ignore_ascii_case(b"keep-alive") => return None,
            header::TRANSFER_ENCODING | header::UPGRADE | header::EXPECT | header::TE | header::TRAILER => {
                return None;
            }
            _ => {}
        }
    }
    Some(length)
}

/// Digits and nothing else. Nearly as many as fit: hyper takes the largest numbers for other things.
fn number(value: &[u8]) -> Option<u64> {
    let is_number = (1..20).contains(&value.len()) && value.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(value).ok().filter(|_| is_number)?.parse().ok()
}
