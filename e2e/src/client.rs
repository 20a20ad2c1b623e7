//! A small HTTP client: what programs do with Keyhaven.

use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::{
    client::legacy::{Client as Pool, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;

/// Sends requests to one server, with the same headers each.
#[derive(Clone)]
pub struct Client {
    base: String,
    headers: HeaderMap,
    pool: Pool<HttpConnector, Full<Bytes>>,
}

impl Client {
    /// For `base`, such as `http://127.0.0.1:8787`.
    #[must_use]
    pub fn new(base: &str) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let pool = Pool::builder(TokioExecutor::new()).build(connector);
        Self { base: base.to_owned(), headers: HeaderMap::new(), pool }
    }

    /// Adds a header to each request.
    #[must_use]
    pub fn with(mut self, name: header::HeaderName, value: &str) -> Self {
        self.headers.insert(name, value.parse().expect("a header value"));
        self
    }

    /// Sends a request; the status and the body as it came.
    pub async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> (StatusCode, Bytes) {
        let answer = self.exchange(method, path, body).await;
        let status = answer.status();
        (status, answer.into_body().collect().await.expect("a whole body").to_bytes())
    }

    /// Asks for a page; its status and headers.
    pub async fn head_of(&self, path: &str) -> (StatusCode, HeaderMap) {
        let answer = self.exchange(Method::GET, path, None).await;
        (answer.status(), answer.headers().clone())
    }

    async fn exchange(&self, method: Method, path: &str, body: Option<&Value>) -> Response<Incoming> {
        let mut request = Request::new(Full::from(body.map(Value::to_string).unwrap_or_default()));
        *request.method_mut() = method;
        *request.uri_mut() = format!("{}{path}", self.base).parse().expect("an address");
        *request.headers_mut() = self.headers.clone();
        if body.is_some() {
            let json = header::HeaderValue::from_static("application/json");
            request.headers_mut().insert(header::CONTENT_TYPE, json);
        }
        self.pool.request(request).await.expect("an answer")
    }

    /// Sends a request and expects it to succeed; the JSON of the answer, if there is any.
    pub async fn json(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let (status, bytes) = self.send(method, path, body).await;
        let text = String::from_utf8_lossy(&bytes);
        assert!(status.is_success(), "{path}: {status} {text}");
        if status == StatusCode::NO_CONTENT {
            return Value::Null;
        }
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error} in {text}"))
    }
}
