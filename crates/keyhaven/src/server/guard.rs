//! What stands before every route: counting, headers, bounded bodies, and no requests from other sites.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    middleware::Next,
    response::Response,
};
use http_body_util::{BodyExt, Limited};
use tokio::time::{Instant, timeout};
use tracing::Instrument;

use super::{AppState, auth};
use crate::{api, web};

/// The largest body that any page or API call needs, with room.
const MAX_BODY: usize = 64 * 1024;
/// What is read of a larger one, so that its sender gets to see the answer.
const MAX_DRAIN: usize = 64 * 1024 * 1024;
const BODY_TIME: Duration = Duration::from_secs(15);

const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Counts and logs the request: route and status, never headers, query or body.
pub(super) async fn count(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = state.app.new_request_id();
    let method = known_method(request.method());
    let route =
        request.extensions().get::<MatchedPath>().map_or("unmatched".into(), |path| path.as_str().to_owned());
    let span = tracing::error_span!("request", id = id.as_str());
    let mut response = api::name_request(next.run(request).instrument(span).await, id.as_str());
    if let Ok(id) = HeaderValue::from_str(id.as_str()) {
        response.headers_mut().insert("x-request-id", id);
    }
    let (status, ms) = (response.status().as_u16(), began.elapsed().as_millis() as u64);
    state.app.metrics().answered(method, &route, status);
    tracing::debug!(method, route, status, ms, id = id.as_str(), "answered");
    response
}

fn known_method(method: &Method) -> &'static str {
    let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    known.into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
}

/// Puts the headers of a careful site on every answer. Only hashed assets may be cached.
pub(super) async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    ];
    let headers = response.headers_mut();
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Reads the body whole, up to its bound, before anything is decided.
pub(super) async fn bound_body(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let whole = timeout(BODY_TIME, read(body)).await;
    match whole {
        Ok(Ok(Some(bytes))) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
        Ok(Ok(None)) => {
            refuse(&parts.uri, StatusCode::PAYLOAD_TOO_LARGE, "The request is too large: 64 KiB at most.")
        }
        Ok(Err(())) => refuse(&parts.uri, StatusCode::BAD_REQUEST, "The request broke off before its end."),
        Err(_) => refuse(&parts.uri, StatusCode::REQUEST_TIMEOUT, "The request took too long to arrive."),
    }
}

/// The body; `None` if it is too large. What is too large is still read, up to a bound, and dropped.
async fn read(body: Body) -> Result<Option<Bytes>, ()> {
    let mut body = Limited::new(body, MAX_DRAIN);
    let (mut kept, mut size) = (Vec::new(), 0);
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return if size > MAX_BODY { Ok(None) } else { Err(()) } };
        let Some(data) = frame.data_ref() else { continue };
        size += data.len();
        if size <= MAX_BODY {
            kept.extend_from_slice(data);
        }
    }
    Ok((size <= MAX_BODY).then(|| kept.into()))
}

/// Refuses what another site makes a signed-in browser send. A browser always says where such a request comes
/// from; what says nothing is no browser. A bearer token is never sent by a browser on its own.
pub(super) async fn cross_site(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if safe
        || auth::bearer(request.headers()).is_some()
        || from_this_site(request.headers(), &state.site.public_url)
    {
        return next.run(request).await;
    }
    refuse(
        request.uri(),
        StatusCode::FORBIDDEN,
        "This request came from another site. Open Keyhaven itself and try again.",
    )
}

fn from_this_site(headers: &HeaderMap, public_url: &str) -> bool {
    let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    match (text(&HeaderName::from_static("sec-fetch-site")), text(&header::ORIGIN)) {
        (Some("same-origin" | "none"), _) => true,
        (Some(_), _) => false,
        (None, None) => true,
        (None, Some(origin)) => {
            let host = text(&header::HOST).unwrap_or_default();
            origin == public_url || origin.split_once("://").is_some_and(|(_, from)| from == host)
        }
    }
}

fn refuse(uri: &Uri, status: StatusCode, message: &'static str) -> Response {
    if uri.path().starts_with("/api/") { api::refuse(status, message) } else { web::refuse(status, message) }
}
