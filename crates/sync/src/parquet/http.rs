//! The HTTP client under the bucket: the one that the rest of Keyhaven has, with TLS by rustls and aws-lc-rs. The user
//! names the endpoint, so no address is refused.

use std::{error::Error, future::Future, pin::Pin, sync::Arc, time::Duration};

use http_body_util::{BodyExt, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector as Tcp},
    rt::{TokioExecutor, TokioTimer},
};
use object_store::{
    ClientConfigKey, ClientOptions,
    client::{
        HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse,
        HttpService,
    },
};
use tokio::time::timeout;

const CONNECT: Duration = Duration::from_secs(10);
/// A part of 8 MiB passes in this time at 0.3 Mbit/s.
const WHOLE: Duration = Duration::from_secs(240);
/// Lists and ends of files are small.
const MAX_ANSWER: usize = 32 * 1024 * 1024;

#[derive(Debug)]
pub(super) struct Connector;

#[derive(Debug)]
struct Service(Client<HttpsConnector<Tcp>, HttpRequestBody>);

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = HttpsConnectorBuilder::new().with_provider_and_webpki_roots(provider);
        let tls = tls.map_err(|error| object_store::Error::Generic { store: "S3", source: error.into() })?;
        let allows_http = options.get_config_value(&ClientConfigKey::AllowHttp).as_deref() == Some("true");
        let tls = if allows_http { tls.https_or_http() } else { tls.https_only() };
        let mut tcp = Tcp::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .build(tls.enable_http1().wrap_connector(tcp));
        Ok(HttpClient::new(Service(client)))
    }
}

impl Service {
    async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let answer = self.0.request(request).await.map_err(|error| {
            let kind = if error.is_connect() { HttpErrorKind::Connect } else { HttpErrorKind::Request };
            HttpError::new(kind, error)
        })?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, MAX_ANSWER).collect().await;
        let body = body.map_err(|error| HttpError::new(HttpErrorKind::Interrupted, Cut(error)))?;
        Ok(HttpResponse::from_parts(head, body.to_bytes().into()))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the answer was cut off: {0}")]
struct Cut(Box<dyn Error + Send + Sync>);

type Told<'a> = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'a>>;

impl HttpService for Service {
    fn call<'a, 'b>(&'a self, request: HttpRequest) -> Told<'b>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(async move {
            let told = timeout(WHOLE, self.ask(request)).await;
            told.unwrap_or_else(|error| Err(HttpError::new(HttpErrorKind::Timeout, error)))
        })
    }
}
