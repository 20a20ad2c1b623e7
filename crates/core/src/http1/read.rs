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
pub(crate) struct Answer {
    /// Status and headers.
    pub parts: Parts,
    /// Bytes of the head.
    pub head: usize,
    /// Bytes of the body.
    pub length: u64,
}

/// A request, if these bytes are exactly one, whole, with its body, and plain.
pub fn read_request(bytes: &Bytes) -> Option<Request<Bytes>> {
    let mut headers = [const { MaybeUninit::<Header<'_>>::uninit() }; MAX_HEADERS];
    let mut head = httparse::Request::new(&mut []);
    let Ok(Status::Complete(end)) = head.parse_with_uninit_headers(bytes, &mut headers) else { return None };
    let (method, path) = (head.method?, head.path?);
    if head.version != Some(1) || !path.starts_with('/') || method == Method::CONNECT.as_str() {
        return None;
    }
    let (headers, length) = read_headers(bytes, head.headers)?;
    if length.unwrap_or(0) != (bytes.len() - end) as u64 {
        return None;
    }
    let mut request = Request::new(bytes.slice(end..));
    *request.method_mut() = Method::from_bytes(method.as_bytes()).ok()?;
    *request.uri_mut() = Uri::from_maybe_shared(bytes.slice_ref(path.as_bytes())).ok()?;
    *request.headers_mut() = headers;
    Some(request)
}

/// The head of an answer to a request with this method, if these bytes begin with one, whole and plain.
pub(crate) fn read_answer(bytes: &Bytes, method: &Method) -> Option<Answer> {
    let mut headers = [const { MaybeUninit::<Header<'_>>::uninit() }; MAX_HEADERS];
    let mut head = httparse::Response::new(&mut []);
    let parsed = ParserConfig::default().parse_response_with_uninit_headers(&mut head, bytes, &mut headers);
    let Ok(Status::Complete(end)) = parsed else { return None };
    let status = StatusCode::from_u16(head.code?).ok()?;
    // What comes before an answer, or another protocol.
    if head.version != Some(1) || status.is_informational() {
        return None;
    }
    let (headers, length) = read_headers(bytes, head.headers)?;
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

/// The headers and the one length, unless anything in them makes the message less than plain.
fn read_headers(bytes: &Bytes, from: &[Header<'_>]) -> Option<(HeaderMap, Option<u64>)> {
    let mut headers = HeaderMap::with_capacity(from.len());
    let mut length = None;
    for Header { name, value } in from {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        match name {
            header::CONTENT_LENGTH if length.is_some() => return None,
            header::CONTENT_LENGTH => length = Some(number(value)?),
            header::CONNECTION if !value.eq_ignore_ascii_case(b"keep-alive") => return None,
            header::TRANSFER_ENCODING | header::UPGRADE | header::EXPECT | header::TE | header::TRAILER => {
                return None;
            }
            _ => {}
        }
        headers.append(name, HeaderValue::from_maybe_shared(bytes.slice_ref(value)).ok()?);
    }
    Some((headers, length))
}

/// Digits and nothing else.
fn number(value: &[u8]) -> Option<u64> {
    let is_number = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(value).ok().filter(|_| is_number)?.parse().ok()
}
