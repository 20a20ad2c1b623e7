//! A Keyhaven server somewhere else, for the command line. The user names the server, so no address is refused.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, header};
use http_body_util::{BodyExt, Limited};
use keyhaven_vault::Secret;
use serde_json::Value;
use tokio::time::timeout;
use url::{Url, form_urlencoded};

use crate::{
    egress::{self, EgressError, PlainClient},
    proxy::{self, Flow, Inbound, path::BadPath},
};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// The address.
    #[error("“{0}” is no server address; write it like https://keyhaven.example.com")]
    Address(String),
    /// A name or password in the address.
    #[error("the server's address holds a user name or password; the access token takes their place")]
    Credentials,
    /// The token cannot stand in a header.
    #[error("the access token holds characters that no token has")]
    Token,
    /// Nobody answers.
    #[error("the server {server} does not answer: {cause}")]
    Unreachable {
        /// Which.
        server: String,
        /// Why.
        cause: String,
    },
    /// What answers is no Keyhaven.
    #[error("{server} answers, but not as a Keyhaven server does (HTTP {status})")]
    NotKeyhaven {
        /// Which.
        server: String,
        /// What it said.
        status: u16,
    },
    /// The path of a call that is to be passed on.
    #[error(transparent)]
    Path(#[from] BadPath),
    /// TLS.
    #[error(transparent)]
    SetUp(#[from] EgressError),
}

/// A server to call.
pub struct Remote {
    base: Url,
    token: HeaderValue,
    client: PlainClient,
}

/// Longer than any verification.
const LIMIT: Duration = Duration::from_secs(30);
const MAX_BODY: usize = 8 * 1024 * 1024;

impl Remote {
    /// A server by its address, with an access token.
    pub fn new(server: &str, token: &Secret) -> Result<Self, RemoteError> {
        let wrong = || RemoteError::Address(server.to_owned());
        let mut base = Url::parse(server).map_err(|_| wrong())?;
        if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
            return Err(wrong());
        }
        // Not repeated: what stands there may be a password.
        if !base.username().is_empty() || base.password().is_some() {
            return Err(RemoteError::Credentials);
        }
        base.set_query(None);
        base.set_fragment(None);
        let path = format!("{}/", base.path().trim_end_matches('/'));
        base.set_path(&path);
        let mut token = HeaderValue::from_str(&format!("Bearer {}", token.expose().trim()))
            .map_err(|_| RemoteError::Token)?;
        token.set_sensitive(true);
        Ok(Self { base, token, client: egress::plain_client()? })
    }

    /// Its address.
    pub fn address(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// Can nobody on the way read along? TLS, or this same machine.
    pub fn is_private(&self) -> bool {
        let on_this_machine = match self.base.host() {
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        self.base.scheme() == "https" || on_this_machine
    }

    /// Calls the API; tells status and JSON (null where there is none).
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(u16, Value), RemoteError> {
        let unreachable = |cause: String| RemoteError::Unreachable { server: self.address().into(), cause };
        let exchange = self.exchange(method, path, body);
        timeout(LIMIT, exchange)
            .await
            .unwrap_or_else(|_| Err(unreachable("no answer within 30 seconds".into())))
    }

    /// Passes a call on through the server's proxy. What is at the app's `places` for its credential stays here.
    pub async fn pass(
        &self,
        inbound: Inbound<'_>,
        places: &proxy::Places<'_>,
    ) -> Result<Response<Flow>, RemoteError> {
        proxy::path::read(inbound.path)?;
        let query = proxy::stripped(inbound.query, places.query);
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        let connection: String = form_urlencoded::byte_serialize(inbound.connection.as_bytes()).collect();
        let uri = format!("{}/proxy/{connection}{}{query}", self.address(), inbound.path);
        let mut request = Request::new(inbound.body);
        *request.method_mut() = inbound.method;
        *request.uri_mut() = uri.parse().map_err(|_| BadPath("the query holds what no URL may hold"))?;
        let mut headers = proxy::headers::outwards(inbound.said.headers());
        headers.remove(places.header);
        headers.insert(header::AUTHORIZATION, self.token.clone());
        if let Some(host) = inbound.host.and_then(|host| HeaderValue::try_from(host).ok()) {
            headers.insert(proxy::HOST, host);
        }
        *request.headers_mut() = headers;
        let answer = self.client.request(request).await.map_err(|error| self.unreachable(&error))?;
        let (mut parts, body) = answer.into_parts();
        parts.headers = proxy::headers::without_transport(&parts.headers);
        Ok(Response::from_parts(parts, Flow::new(body)))
    }

    fn unreachable(&self, error: &dyn std::error::Error) -> RemoteError {
        let cause = error.source().map_or_else(|| error.to_string(), ToString::to_string);
        RemoteError::Unreachable { server: self.address().into(), cause }
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(u16, Value), RemoteError> {
        let unreachable = |cause: String| RemoteError::Unreachable { server: self.address().into(), cause };
        let wrong = || RemoteError::Address(self.address().into());
        let url = self.base.join(path.trim_start_matches('/')).map_err(|_| wrong())?;
        let request = Request::builder()
            .method(method)
            .uri(url.as_str())
            .header(header::AUTHORIZATION, self.token.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json");
        let bytes = body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
        let request = request.body(bytes.into()).map_err(|_| wrong())?;
        let answer = self.client.request(request).await.map_err(|error| self.unreachable(&error))?;
        let status = answer.status().as_u16();
        let body = Limited::new(answer.into_body(), MAX_BODY)
            .collect()
            .await
            .map_err(|error| unreachable(error.to_string()))?;
        let body = body.to_bytes();
        if body.is_empty() && (200..300).contains(&status) {
            return Ok((status, Value::Null));
        }
        let stranger = |_| RemoteError::NotKeyhaven { server: self.address().into(), status };
        Ok((status, serde_json::from_slice(&body).map_err(stranger)?))
    }
}
