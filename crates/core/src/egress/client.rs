//! HTTP clients: one per way of finding addresses, alike in everything else.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{
        Client,
        connect::{Connect, HttpConnector, dns::GaiResolver},
    },
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use super::{EgressConfig, EgressError};
use crate::proxy::Payload;

pub(super) type HttpsClient<R> = Client<HttpsConnector<HttpConnector<R>>, Payload>;

/// Idle connections are kept for the next question, not for long: what is open can be counted.
const IDLE: Duration = Duration::from_secs(30);
const MAX_IDLE: usize = 64;

pub(super) fn client<R>(
    resolver: R,
    tls: ClientConfig,
    https_only: bool,
    connect_timeout: Duration,
    set_host: bool,
) -> HttpsClient<R>
where
    HttpConnector<R>: Clone,
    HttpsConnector<HttpConnector<R>>: Connect + Clone + Send + Sync + 'static,
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
        .pool_max_idle_per_host(MAX_IDLE)
        .set_host(set_host)
        .build(https.enable_all_versions().wrap_connector(http))
}

/// Reaches any address: only for the server that the user of the command line names.
pub(crate) type PlainClient = HttpsClient<GaiResolver>;

pub(crate) fn plain_client() -> Result<PlainClient, EgressError> {
    Ok(client(GaiResolver::new(), tls(None)?, false, EgressConfig::default().connect_timeout, true))
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
