//! HTTP clients: one per way of finding addresses, alike in everything else.

use std::{fs, io, path::PathBuf, sync::Arc, time::Duration};

use http::{Method, Request, Uri};
use hyper::{
    body::Body,
    client::conn::{TrySendError, http2},
};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{
        self,
        connect::{Connection, HttpConnector, dns::GaiResolver},
    },
    rt::{TokioExecutor, TokioTimer},
};
use keyhaven_connectors::Fault;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use tower::{Service, ServiceExt};

use super::{
    Asked, EgressConfig, EgressError, Way,
    answered::{Answered, Spelled},
    fault::{fault, fault_of_connecting},
    line::{Line, Stream},
    pool::{Pool, Shared, Taken},
};
use crate::{http1::Reply, proxy::Payload};

/// Headers of an answer in HTTP/1.1: some apps send more than hyper's 100. Room for them is taken while they are read.
pub(super) const MAX_HEADERS: usize = 512;

/// A connection of HTTP/2 on which nothing came for so long is asked whether it is there, and given up when it does not
/// answer for as long again: others would wait on it in vain.
const ALIVE: Duration = Duration::from_secs(5);

/// Sends requests, and keeps the connections for the next ones.
#[derive(Clone)]
pub(super) struct Client<R> {
    connector: HttpsConnector<HttpConnector<R>>,
    pool: Pool,
}

impl<R> Client<R>
where
    HttpsConnector<HttpConnector<R>>: Service<Uri, Response = Stream, Error = BoxError> + Clone,
{
    pub(super) fn new(connector: HttpsConnector<HttpConnector<R>>) -> Self {
        Self { connector, pool: Pool::default() }
    }

    /// Sends a request. The body of the answer is still to be read; that of the request stays where it is, if nothing
    /// was sent.
    pub(super) async fn send(
        &self,
        way: &Way,
        asked: &Asked<'_>,
        body: &mut Payload,
    ) -> Result<Reply<Answered>, Fault> {
        let does_no_harm = matches!(*asked.method, Method::GET | Method::HEAD) && body.is_end_stream();
        let mut kept = self.pool.take(&way.end);
        loop {
            let is_kept = kept.is_some();
            let taken = match kept {
                Some(taken) => taken,
                None => Box::pin(self.connect(way)).await?,
            };
            let sent = match taken {
                Taken::Line(line) => line.exchange(way, asked, body, &self.pool).await,
                Taken::Shared(shared) => Box::pin(share(shared, way, asked, body)).await,
            };
            let failed = match sent {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            kept = match failed {
                // Closed by the other end while nobody looked: the next one may be open.
                Failed { is_unsent: true, .. } if is_kept => self.pool.take(&way.end),
                // Closed, it seems, while the request was on its way. The others may be closing, too.
                Failed { is_silent: true, .. } if is_kept && does_no_harm => None,
                Failed { fault, .. } => return Err(fault),
            };
        }
    }

    async fn connect(&self, way: &Way) -> Result<Taken, Fault> {
        let stream = self.connector.clone().oneshot(way.origin()?).await;
        let stream = stream.map_err(|error| fault_of_connecting(&*error))?;
        if !stream.connected().is_negotiated_h2() {
            return Ok(Taken::Line(Line::new(stream)));
        }
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2.timer(TokioTimer::new()).keep_alive_interval(ALIVE).keep_alive_timeout(ALIVE);
        let (shared, connection) = http2.handshake(stream).await.map_err(|error| fault(&error))?;
        tokio::spawn(connection);
        Ok(Taken::Shared(self.pool.share(&way.end, shared)))
    }
}

async fn share(
    mut shared: Shared,
    way: &Way,
    asked: &Asked<'_>,
    body: &mut Payload,
) -> Result<Reply<Answered>, Failed> {
    let mut request = way.request(asked, std::mem::take(body)).map_err(Failed::at)?;
    *request.uri_mut() = way.whole(request.uri()).map_err(Failed::at)?;
    let sent = shared.try_send_request(request).await;
    let answer = sent.map_err(|failed| Failed::unless_sent(failed, true, body))?;
    Ok(Reply::from(answer).map(|from| Answered::from(Spelled::new(from, None))))
}

/// Why there was no answer.
pub(super) struct Failed {
    fault: Fault,
    /// Nothing of the request was sent.
    is_unsent: bool,
    /// Not a byte of an answer came.
    is_silent: bool,
}

impl Failed {
    pub(super) fn at(fault: Fault) -> Self {
        Self { fault, is_unsent: false, is_silent: false }
    }

    /// The connection broke before there was an answer.
    pub(super) fn silent(error: &io::Error) -> Self {
        Self { is_silent: true, ..Self::at(fault(error)) }
    }

    /// Puts the body back, if nothing was sent.
    pub(super) fn unless_sent(
        mut failed: TrySendError<Request<Payload>>,
        is_silent: bool,
        body: &mut Payload,
    ) -> Self {
        let unsent = failed.take_message();
        let error = failed.into_error();
        let is_silent = is_silent && !error.is_parse();
        let is_unsent = unsent.is_some();
        *body = unsent.map(Request::into_body).unwrap_or_default();
        Self { fault: fault(&error), is_unsent, is_silent }
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

pub(super) fn connector<R>(
    resolver: R,
    tls: ClientConfig,
    https_only: bool,
    connect_timeout: Duration,
) -> HttpsConnector<HttpConnector<R>> {
    let mut http = HttpConnector::new_with_resolver(resolver);
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(connect_timeout));
    let builder = HttpsConnectorBuilder::new().with_tls_config(tls);
    let https = if https_only { builder.https_only() } else { builder.https_or_http() };
    https.enable_all_versions().wrap_connector(http)
}

/// Reaches any address: only for the server that the user of the command line names.
pub(crate) type PlainClient = legacy::Client<HttpsConnector<HttpConnector<GaiResolver>>, Payload>;

pub(crate) fn plain_client() -> Result<PlainClient, EgressError> {
    let connect_timeout = EgressConfig::default().connect_timeout;
    let connector = connector(GaiResolver::new(), tls(None)?, false, connect_timeout);
    Ok(legacy::Client::builder(TokioExecutor::new()).http1_max_headers(MAX_HEADERS).build(connector))
}

/// Trusts the public authorities, and those of a PEM file besides.
pub(super) fn tls(extra_ca: Option<PathBuf>) -> Result<ClientConfig, EgressError> {
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
