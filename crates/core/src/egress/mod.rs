//! The one door out. Every request to an app goes through [`Egress::send`].
//!
//! Only hosts that the connection's connector allows; https only; names are resolved once, here, and the checked
//! address is the one that is dialled; nothing is followed; everything is bounded.

mod address;
mod overrides;
mod resolver;

use std::{error::Error as StdError, fs, io, path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Request, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{
        self, Client,
        connect::{HttpConnector, dns::GaiResolver},
    },
    rt::{TokioExecutor, TokioTimer},
};
use keyhaven_connectors::{AllowedHost, Answer, Fault, OutRequest};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio::time::timeout;

pub use overrides::{Override, OverrideError};
use resolver::{PublicOnly, Refused};

/// How the door is set up.
pub struct EgressConfig {
    /// Development only: hosts that are sent elsewhere.
    pub overrides: Vec<Override>,
    /// Certificates (PEM) to trust besides the public ones.
    pub extra_ca: Option<PathBuf>,
    /// The longest wait for a connection.
    pub connect_timeout: Duration,
    /// The largest answer, in bytes.
    pub max_body: usize,
}

impl Default for EgressConfig {
    fn default() -> Self {
        Self {
            overrides: Vec::new(),
            extra_ca: None,
            connect_timeout: Duration::from_secs(5),
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

type HttpsClient<R> = Client<HttpsConnector<HttpConnector<R>>, Full<Bytes>>;

/// The one door out.
pub struct Egress {
    public: HttpsClient<PublicOnly>,
    /// Dials whatever address an override names; used for nothing else.
    elsewhere: HttpsClient<overrides::Dial>,
    overrides: Arc<[Override]>,
    max_body: usize,
}

const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("Keyhaven/", env!("CARGO_PKG_VERSION")));
/// Idle connections are kept for the next question, not for long: what is open can be counted.
const IDLE: Duration = Duration::from_secs(30);

impl Egress {
    /// Sets the door up.
    pub fn new(config: EgressConfig) -> Result<Self, EgressError> {
        let tls = tls(config.extra_ca)?;
        let overrides: Arc<[Override]> = config.overrides.into();
        Ok(Self {
            public: client(PublicOnly, tls.clone(), true, config.connect_timeout, false),
            elsewhere: client(overrides::Dial(overrides.clone()), tls, false, config.connect_timeout, false),
            overrides,
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
        timeout(within, self.exchange(allowed, request)).await.unwrap_or(Err(Fault::TimedOut))
    }

    async fn exchange(&self, allowed: &[AllowedHost], request: OutRequest) -> Result<Answer, Fault> {
        let (host, port) = (request.url.host_str().unwrap_or_default(), request.url.port_or_known_default());
        let is_allowed = allowed.iter().any(|one| one.host == host && Some(one.port) == port);
        if request.url.scheme() != "https" || !is_allowed {
            return Err(Fault::NotAllowed);
        }
        let elsewhere = self.overrides.iter().find(|one| one.covers(host));
        // hyper does not resolve a literal address, and so the resolver would not see it.
        if elsewhere.is_none() && address::literal(host).is_some_and(|ip| !address::is_public(ip)) {
            return Err(Fault::RefusedAddress);
        }
        let uri = elsewhere.map_or_else(|| request.url.to_string(), |one| one.uri(&request.url));
        let mut outgoing = Request::builder().method(request.method).uri(uri);
        if let Some(headers) = outgoing.headers_mut() {
            headers.extend(request.headers);
            headers.insert(header::USER_AGENT, USER_AGENT);
            let named = if request.url.port().is_some() {
                format!("{host}:{}", port.unwrap_or(443))
            } else {
                host.to_owned()
            };
            headers.insert(header::HOST, HeaderValue::from_str(&named).map_err(|_| Fault::NotAllowed)?);
        }
        let outgoing = outgoing.body(Full::default()).map_err(|_| Fault::NotAllowed)?;
        let sent = match elsewhere {
            Some(_) => self.elsewhere.request(outgoing).await,
            None => self.public.request(outgoing).await,
        };
        let answer = sent.map_err(|error| {
            tracing::debug!(host, fault = ?fault(&error), "a request got no answer");
            fault(&error)
        })?;
        let (parts, body) = answer.into_parts();
        let body = Limited::new(body, self.max_body).collect().await.map_err(|error| {
            if error.downcast_ref::<LengthLimitError>().is_some() { Fault::TooLarge } else { Fault::Broken }
        })?;
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body: body.to_bytes().to_vec() })
    }
}

fn client<R>(
    resolver: R,
    tls: ClientConfig,
    https_only: bool,
    connect_timeout: Duration,
    set_host: bool,
) -> HttpsClient<R>
where
    HttpConnector<R>: Clone,
    HttpsConnector<HttpConnector<R>>: legacy::connect::Connect + Clone + Send + Sync + 'static,
{
    let mut http = HttpConnector::new_with_resolver(resolver);
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(connect_timeout));
    let builder = HttpsConnectorBuilder::new().with_tls_config(tls);
    let https = if https_only { builder.https_only() } else { builder.https_or_http() };
    Client::builder(TokioExecutor::new())
        .pool_idle_timeout(IDLE)
        .pool_timer(TokioTimer::new())
        .pool_max_idle_per_host(4)
        .set_host(set_host)
        .build(https.enable_http1().wrap_connector(http))
}

/// Reaches any address: only for the server that the user of the command line names.
pub(crate) type PlainClient = HttpsClient<GaiResolver>;

pub(crate) fn plain_client() -> Result<PlainClient, EgressError> {
    Ok(client(GaiResolver::new(), tls(None)?, false, EgressConfig::default().connect_timeout, true))
}

fn tls(extra_ca: Option<PathBuf>) -> Result<ClientConfig, EgressError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = extra_ca {
        let fail = |message: String| EgressError::ExtraCa { path: path.clone(), message };
        let pem = fs::read(&path).map_err(|error| fail(error.to_string()))?;
        let mut count = 0;
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            let certificate = certificate.map_err(|error| fail(error.to_string()))?;
            roots.add(certificate).map_err(|error| fail(error.to_string()))?;
            count += 1;
        }
        if count == 0 {
            return Err(fail("it holds no certificate".into()));
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(versions.with_root_certificates(roots).with_no_client_auth())
}

/// Tells the faults apart by what is at the bottom of an error.
fn fault(error: &(dyn StdError + 'static)) -> Fault {
    let mut causes = Vec::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        causes.push(cause);
        // An io::Error hides what it was made from.
        let hidden = cause
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
            .map(|inner| inner as &(dyn StdError + 'static));
        next = hidden.or_else(|| cause.source());
    }
    if let Some(refused) = causes.iter().find_map(|cause| cause.downcast_ref::<Refused>()) {
        return match refused {
            Refused::Private => Fault::RefusedAddress,
            Refused::Unknown => Fault::Dns,
        };
    }
    if causes.iter().any(|cause| cause.is::<rustls::Error>()) {
        return Fault::Tls;
    }
    let is = |kinds: &[io::ErrorKind]| {
        causes
            .iter()
            .any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|error| kinds.contains(&error.kind())))
    };
    let connecting = causes
        .iter()
        .any(|cause| cause.downcast_ref::<legacy::Error>().is_some_and(legacy::Error::is_connect));
    if is(&[io::ErrorKind::TimedOut]) {
        return Fault::TimedOut;
    }
    // A handshake that the other side cuts short is no error of rustls, and yet it is the secure connection that failed.
    if connecting
        && is(&[io::ErrorKind::UnexpectedEof, io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe])
    {
        return Fault::Tls;
    }
    if connecting { Fault::Connect } else { Fault::Broken }
}

#[cfg(test)]
mod tests;
