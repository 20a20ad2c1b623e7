//! The one door out. Every request to an app goes through [`Egress::send`] or [`Door::pass`].
//!
//! Only hosts that the connection's connector allows; https only; names are resolved once, here, and the checked
//! address is the one that is dialled; nothing is followed; everything is bounded.

mod address;
mod answered;
mod client;
mod fault;
mod gate;
mod heard;
mod line;
mod outward;
mod overrides;
mod pool;
mod resolver;
mod spoken;
mod timers;
mod tunnel;

use std::{future::Future, path::PathBuf, sync::Arc, time::Duration};

use http::{HeaderName, HeaderValue, Method, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use keyhaven_connectors::{AllowedHost, Answer, Fault, OutRequest};
use timers::Timers;
use tokio::time::{Instant, timeout};
use url::Url;

pub use answered::Answered;
use client::{Client, connector, tls};
pub(crate) use client::{PlainClient, plain_client};
pub(crate) use gate::{Path, Way};
pub(crate) use outward::Outward;
pub use overrides::{Override, OverrideError};
use resolver::PublicOnly;
pub use tunnel::tunnel;

use crate::{http1::Reply, proxy::Payload};

/// How the door is set up.
pub struct EgressConfig {
    /// Development only: hosts that are sent elsewhere.
    pub overrides: Vec<Override>,
    /// Certificates (PEM) to trust besides the public ones.
    pub extra_ca: Option<PathBuf>,
    /// The longest wait for a connection.
    pub connect_timeout: Duration,
    /// The longest wait until the head of an answer is there, connecting included.
    pub header_timeout: Duration,
    /// The largest answer, in bytes.
    pub max_body: usize,
    /// The longest wait for the head of an answer that is passed on to a caller.
    pub answer_timeout: Duration,
}

impl Default for EgressConfig {
    fn default() -> Self {
        Self {
            overrides: Vec::new(),
            extra_ca: None,
            connect_timeout: Duration::from_secs(5),
            header_timeout: Duration::from_secs(9),
            max_body: 1024 * 1024,
            answer_timeout: Duration::from_secs(60),
        }
    }
}

/// Why the door cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    /// The certificates.
    #[error(
        "the certificates in {path} cannot be used: {message}; a PEM file with at least one certificate is needed"
    )]
    ExtraCa {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// TLS.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

/// What is asked of an app, but for the body and what the door adds.
pub(crate) struct Asked<'a> {
    pub method: &'a Method,
    pub path: &'a Path<'a>,
    pub outward: &'a Outward,
    /// Stands where the headers leave room for it.
    pub credential: Option<HeaderValue>,
}

impl Asked<'_> {
    fn credential(&self) -> Option<(&HeaderName, &HeaderValue)> {
        self.outward.credential.as_ref().zip(self.credential.as_ref())
    }
}

/// The one door out.
pub struct Egress {
    door: Door,
    tls: rustls::ClientConfig,
    overrides: Arc<[Override]>,
    connect_timeout: Duration,
    header_timeout: Duration,
    max_body: usize,
    answer_timeout: Duration,
}

/// Connections that are kept for the next request. Each thread that sends many has one of its own, so that none
/// waits for another.
#[derive(Clone)]
pub struct Door {
    public: Client<PublicOnly>,
    /// Dials whatever address an override names; used for nothing else.
    elsewhere: Client<overrides::Dial>,
    timers: Timers,
}

impl Egress {
    /// Sets the door up.
    pub fn new(config: EgressConfig) -> Result<Self, EgressError> {
        let tls = tls(config.extra_ca)?;
        let overrides: Arc<[Override]> = config.overrides.into();
        Ok(Self {
            door: Door::new(&tls, &overrides, config.connect_timeout),
            tls,
            overrides,
            connect_timeout: config.connect_timeout,
            header_timeout: config.header_timeout,
            max_body: config.max_body,
            answer_timeout: config.answer_timeout,
        })
    }

    /// A door with connections of its own.
    pub fn door(&self) -> Door {
        Door::new(&self.tls, &self.overrides, self.connect_timeout)
    }

    /// The longest wait for the head of an answer that is passed on to a caller.
    pub(crate) fn answer_timeout(&self) -> Duration {
        self.answer_timeout
    }

    /// The overrides, as text.
    pub fn overrides(&self) -> Vec<String> {
        self.overrides.iter().map(ToString::to_string).collect()
    }

    /// Judges where requests may go.
    pub(crate) fn way(&self, allowed: &[AllowedHost], url: &Url) -> Result<Way, Fault> {
        gate::way(allowed, &self.overrides, url)
    }

    /// Sends a request and reads the whole answer, within a time.
    pub async fn send(
        &self,
        allowed: &[AllowedHost],
        request: OutRequest,
        within: Duration,
    ) -> Result<Answer, Fault> {
        let OutRequest { method, url, headers } = request;
        let way = self.way(allowed, &url)?;
        let path = Path::new("", url.path(), url.query())?;
        let outward = Outward::new(headers, None)?;
        let asked = Asked { method: &method, path: &path, outward: &outward, credential: None };
        let whole = async {
            let mut nothing = Payload::default();
            let request = self.door.pass(&way, &asked, &mut nothing);
            let answer = timeout(self.header_timeout, request).await.unwrap_or(Err(Fault::TimedOut))?;
            self.read(answer).await
        };
        timeout(within, whole).await.unwrap_or(Err(Fault::TimedOut))
    }

    async fn read(&self, answer: Reply<Answered>) -> Result<Answer, Fault> {
        let Reply { head, body } = answer;
        let body = Limited::new(body, self.max_body)
            .collect()
            .await
            .map_err(|error| if error.is::<LengthLimitError>() { Fault::TooLarge } else { Fault::Broken })?;
        Ok(Answer {
            status: head.status.as_u16(),
            headers: head.fields.to_map(),
            body: body.to_bytes().to_vec(),
        })
    }
}

impl Door {
    fn new(tls: &rustls::ClientConfig, overrides: &Arc<[Override]>, connect_timeout: Duration) -> Self {
        let dial = overrides::Dial(overrides.clone());
        Self {
            public: Client::new(connector(PublicOnly, tls.clone(), true, connect_timeout)),
            elsewhere: Client::new(connector(dial, tls.clone(), false, connect_timeout)),
            timers: Timers::default(),
        }
    }

    /// What comes of it, unless that takes longer than until `end`.
    pub(crate) async fn until<T>(&self, end: Instant, future: impl Future<Output = T>) -> Option<T> {
        self.timers.until(end, future).await
    }

    /// Sends a request; the body of the answer is still to be read. Its own body stays where it is, if nothing was sent.
    pub(crate) async fn pass(
        &self,
        way: &Way,
        asked: &Asked<'_>,
        body: &mut Payload,
    ) -> Result<Reply<Answered>, Fault> {
        let answer = match way.elsewhere {
            true => self.elsewhere.send(way, asked, body).await,
            false => self.public.send(way, asked, body).await,
        };
        match &answer {
            // Nobody asked for another protocol.
            Ok(it) if it.head.status == StatusCode::SWITCHING_PROTOCOLS => return Err(Fault::Broken),
            Ok(_) => {}
            Err(fault) => tracing::debug!(?fault, "a request got no answer"),
        }
        answer
    }
}

#[cfg(test)]
mod tests;
