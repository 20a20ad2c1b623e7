//! The one door out. Every request to an app goes through [`Egress::send`].
//!
//! Only hosts that the connection's connector allows; https only; names are resolved once, here, and the checked
//! address is the one that is dialled; nothing is followed; everything is bounded.

mod address;
mod client;
mod fault;
mod gate;
mod overrides;
mod resolver;

use std::{path::PathBuf, sync::Arc, time::Duration};

use http::Response;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use keyhaven_connectors::{AllowedHost, Answer, Fault, OutRequest};
use tokio::time::timeout;

use client::{HttpsClient, client, tls};
pub(crate) use client::{PlainClient, plain_client};
use fault::fault;
use gate::admit;
pub use overrides::{Override, OverrideError};
use resolver::PublicOnly;

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
}

impl Default for EgressConfig {
    fn default() -> Self {
        Self {
            overrides: Vec::new(),
            extra_ca: None,
            connect_timeout: Duration::from_secs(5),
            header_timeout: Duration::from_secs(9),
            max_body: 1024 * 1024,
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

/// The one door out.
pub struct Egress {
    public: HttpsClient<PublicOnly>,
    /// Dials whatever address an override names; used for nothing else.
    elsewhere: HttpsClient<overrides::Dial>,
    overrides: Arc<[Override]>,
    header_timeout: Duration,
    max_body: usize,
}

impl Egress {
    /// Sets the door up.
    pub fn new(config: EgressConfig) -> Result<Self, EgressError> {
        let tls = tls(config.extra_ca)?;
        let overrides: Arc<[Override]> = config.overrides.into();
        Ok(Self {
            public: client(PublicOnly, tls.clone(), true, config.connect_timeout, false),
            elsewhere: client(overrides::Dial(overrides.clone()), tls, false, config.connect_timeout, false),
            overrides,
            header_timeout: config.header_timeout,
            max_body: config.max_body,
        })
    }

    /// The overrides, as text.
    pub fn overrides(&self) -> Vec<String> {
        self.overrides.iter().map(ToString::to_string).collect()
    }

    /// Sends a request and reads the whole answer, within a time.
    pub async fn send(
        &self,
        allowed: &[AllowedHost],
        request: OutRequest,
        within: Duration,
    ) -> Result<Answer, Fault> {
        let whole = async { self.read(self.ask(allowed, request).await?).await };
        timeout(within, whole).await.unwrap_or(Err(Fault::TimedOut))
    }

    /// Sends a request; the body of the answer is still to be read.
    async fn ask(&self, allowed: &[AllowedHost], request: OutRequest) -> Result<Response<Incoming>, Fault> {
        let admitted = admit(allowed, &self.overrides, request)?;
        let host = admitted.request.uri().host().unwrap_or_default().to_owned();
        let request = admitted.request.map(|()| Full::default());
        let answer =
            if admitted.elsewhere { self.elsewhere.request(request) } else { self.public.request(request) };
        let answer = timeout(self.header_timeout, answer).await;
        answer
            .map_or(Err(Fault::TimedOut), |answer| answer.map_err(|error| fault(&error)))
            .inspect_err(|fault| tracing::debug!(host, ?fault, "a request got no answer"))
    }

    async fn read(&self, answer: Response<Incoming>) -> Result<Answer, Fault> {
        let (parts, body) = answer.into_parts();
        let body = Limited::new(body, self.max_body)
            .collect()
            .await
            .map_err(|error| if error.is::<LengthLimitError>() { Fault::TooLarge } else { Fault::Broken })?;
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body: body.to_bytes().to_vec() })
    }
}

#[cfg(test)]
mod tests;
