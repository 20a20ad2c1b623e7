//! The headers of a request, and what they come to.

use std::sync::{Arc, OnceLock};

use http::{HeaderMap, HeaderName, header};
use keyhaven_connectors::Fault;

use super::{
    HOST, Refusal,
    credential::{Misplaced, Shown},
    framed_once, headers,
};
use crate::egress::Outward;

/// The headers of a request as they came, credential and all. A caller's next request on the same connection most often
/// has the same, and takes over what was found out about them.
pub struct Said {
    headers: HeaderMap,
    /// One of the connection's hosts, for whoever means it and not the first.
    host: Option<String>,
    /// Name and port of whom they ask.
    reached: Option<String>,
    framed: Result<(), Refusal>,
    found: OnceLock<Found>,
}

/// What headers come to where the app takes its key in this one.
struct Found {
    credential: Option<HeaderName>,
    shown: Result<Shown, Misplaced>,
    outward: Result<Arc<Outward>, Fault>,
}

impl From<HeaderMap> for Said {
    fn from(headers: HeaderMap) -> Self {
        Self {
            host: headers.get(HOST).map(|host| host.to_str().unwrap_or_default().to_owned()),
            reached: headers.get(header::HOST).and_then(|host| host.to_str().ok()).map(str::to_owned),
            framed: framed_once(&headers),
            found: OnceLock::new(),
            headers,
        }
    }
}

impl Said {
    /// As they came.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// One of the connection's hosts, if they name one.
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// Name and port by which Keyhaven was reached, if they tell.
    pub fn reached(&self) -> Option<&str> {
        self.reached.as_deref()
    }

    /// What two readers could take for two requests is refused.
    pub(super) fn is_framed_once(&self) -> Result<(), Refusal> {
        self.framed.clone()
    }

    /// The access token among them; anywhere, if it is not known where the app takes its key.
    pub(super) fn shown(&self, credential: Option<&HeaderName>) -> Result<Shown, Misplaced> {
        self.found(credential, |found| found.shown)
    }

    /// As the app gets them, but for the credential.
    pub(super) fn outward(&self, credential: &HeaderName) -> Result<Arc<Outward>, Fault> {
        self.found(Some(credential), |found| found.outward.clone())
    }

    fn found<T>(&self, credential: Option<&HeaderName>, part: impl FnOnce(&Found) -> T) -> T {
        let find = || Found {
            credential: credential.cloned(),
            shown: Shown::by(&self.headers, credential),
            outward: Outward::new(headers::outwards(&self.headers), credential.cloned()).map(Arc::new),
        };
        let first = self.found.get_or_init(find);
        if first.credential.as_ref() == credential { part(first) } else { part(&find()) }
    }
}
