//! What was asked, for tests to look at.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use axum::http::{HeaderMap, HeaderValue, Uri, header, request::Parts};
use serde::Serialize;

/// One request that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Asked {
    /// The method.
    pub method: String,
    /// The host, without port.
    pub host: String,
    /// The path, without query.
    pub path: String,
    /// Where the key stood: `header`, `query`, `bearer` or `none`.
    pub key_in: &'static str,
    /// How many bytes of the body have come by now.
    pub body_bytes: u64,
    /// Query and headers. Kept only when [`crate::Settings::keep_headers`] says so: they hold keys.
    pub sent: Option<Sent>,
}

/// Those parts of a request in which secrets may stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sent {
    /// As it came, without the question mark; empty when there was none.
    pub query: String,
    /// Names in lower case and values as they came; bytes that are no UTF-8 are replaced.
    pub headers: Vec<(String, String)>,
}

impl Sent {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Does this text stand anywhere in it?
    pub fn contains(&self, text: &str) -> bool {
        let lines = self.headers.iter().flat_map(|(name, value)| [name, value]);
        lines.chain([&self.query]).any(|line| line.contains(text))
    }
}

/// The same while its body still comes.
pub(crate) struct Received {
    asked: Asked,
    body: Arc<AtomicU64>,
}

impl Received {
    pub(crate) fn new(head: &Parts, body: Arc<AtomicU64>, keep_headers: bool) -> Self {
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let sent = || Sent {
            query: head.uri.query().unwrap_or_default().to_owned(),
            headers: head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
        };
        let asked = Asked {
            method: head.method.to_string(),
            host: host(&head.headers),
            path: head.uri.path().to_owned(),
            key_in: key(&head.headers, &head.uri).1,
            body_bytes: 0,
            sent: keep_headers.then(sent),
        };
        Self { asked, body }
    }

    pub(crate) fn asked(&self) -> Asked {
        Asked { body_bytes: self.body.load(Ordering::Relaxed), ..self.asked.clone() }
    }
}

pub(crate) fn host(headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    host.split(':').next().unwrap_or_default().to_lowercase()
}

/// Documented is the header; the other two are what existing programs send.
pub(crate) fn key(headers: &HeaderMap, uri: &Uri) -> (Option<String>, &'static str) {
    let text = |value: &HeaderValue| value.to_str().ok().map(str::to_owned);
    if let Some(key) = headers.get("x-api-token").and_then(text) {
        return (Some(key), "header");
    }
    let query = uri.query().unwrap_or_default().split('&').find_map(|pair| pair.strip_prefix("api_token="));
    if let Some(key) = query {
        return (Some(key.to_owned()), "query");
    }
    let bearer = headers.get(header::AUTHORIZATION).and_then(text);
    match bearer.and_then(|value| value.strip_prefix("Bearer ").map(str::to_owned)) {
        Some(key) => (Some(key), "bearer"),
        None => (None, "none"),
    }
}
