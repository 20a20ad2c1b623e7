//! Headers of a request that may go out.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use keyhaven_connectors::Fault;

use crate::http1;

static USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("Keyhaven/", env!("CARGO_PKG_VERSION")));

/// Headers that frame a message or speak of one connection: the transport's own, never a request's.
const TRANSPORT: [HeaderName; 8] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::HOST,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
];

/// Headers of which none frames a message, speaks of one connection, or stands where the credential will. No other code
/// can make them.
pub(crate) struct Outward {
    pub(super) headers: HeaderMap,
    /// The same as they are written in HTTP/1.1.
    pub(super) lines: Vec<u8>,
    /// Where the credential will stand.
    pub(super) credential: Option<HeaderName>,
}

impl Outward {
    pub(crate) fn new(mut headers: HeaderMap, credential: Option<HeaderName>) -> Result<Self, Fault> {
        if headers.keys().any(|name| TRANSPORT.contains(name)) {
            return Err(Fault::NotAllowed);
        }
        if let Some(credential) = &credential {
            headers.remove(credential);
        }
        headers.entry(header::USER_AGENT).or_insert_with(|| USER_AGENT.clone());
        Ok(Self { lines: http1::write_lines(&headers), headers, credential })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_cannot_reframe_itself_nor_set_its_credential() {
        let out = |names: &[HeaderName]| {
            let headers = names.iter().map(|name| (name.clone(), HeaderValue::from_static("x")));
            Outward::new(headers.collect(), Some(HeaderName::from_static("x-api-token")))
        };
        assert!(TRANSPORT.into_iter().all(|name| out(&[header::ACCEPT, name]).is_err()));
        let made = out(&[header::ACCEPT, HeaderName::from_static("x-api-token")]).unwrap();
        assert_eq!(made.headers.len(), 2);
        assert_eq!(
            made.lines,
            format!("accept: x\r\nuser-agent: {}\r\n", USER_AGENT.to_str().unwrap()).as_bytes()
        );
        assert_eq!(out(&[header::USER_AGENT]).unwrap().lines, b"user-agent: x\r\n");
    }
}
