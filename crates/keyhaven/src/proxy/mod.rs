//! `/proxy/{connection}/{path}`: stands before the router, so that what only passes through costs little.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header},
    response::IntoResponse,
};
use keyhaven_core::{
    Keyhaven,
    egress::Door,
    proxy::{self, Inbound, Passing, Payload, Refusal},
};

use crate::{api, server::AnyBody};

/// Says whose answer it is: the app's, or Keyhaven's own.
pub(crate) const ANSWER: HeaderName = HeaderName::from_static("x-keyhaven-answer");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-keyhaven-request-id");
/// The app's own, where it has one.
const ANY_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const PREFIX: &str = "/proxy/";

/// Is this request to be passed on?
pub(crate) fn is_for(path: &str) -> bool {
    path.starts_with(PREFIX)
}

/// Passes a request on, or says why not.
pub(crate) async fn handle<B: Into<Payload>>(
    app: &Arc<Keyhaven>,
    door: &Door,
    from: SocketAddr,
    request: Request<B>,
) -> Response<AnyBody> {
    let id = app.new_request_id();
    told(proxy::by_token(app, door, inbound(from, request)).await, id)
}

/// What the caller gets to see: the app's answer, or why there is none.
pub(crate) fn told(result: Result<Response<Passing>, Refusal>, id: String) -> Response<AnyBody> {
    let mut response = match result {
        Ok(answer) => {
            let mut answer = answer.map(AnyBody::Passing);
            answer.headers_mut().insert(ANSWER, HeaderValue::from_static("app"));
            answer
        }
        Err(refusal) => refused(refusal, &id),
    };
    let headers = response.headers();
    tracing::debug!(status = response.status().as_u16(), whose = ?headers.get(ANSWER), id, "answered a call");
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::try_from(id) {
        headers.entry(ANY_REQUEST_ID).or_insert(id.clone());
        headers.insert(REQUEST_ID, id);
    }
    response
}

fn inbound<B: Into<Payload>>(from: SocketAddr, request: Request<B>) -> Inbound {
    let (parts, body) = request.into_parts();
    let rest = parts.uri.path().strip_prefix(PREFIX).unwrap_or_default();
    let (connection, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    let reached = parts.uri.authority().and_then(|it| HeaderValue::from_str(it.as_str()).ok());
    let named = || parts.headers.get(header::HOST).cloned();
    Inbound {
        reached: reached.or_else(named),
        method: parts.method,
        connection: connection.to_owned(),
        path: path.to_owned(),
        query: parts.uri.query().map(str::to_owned),
        host: host(&parts.headers),
        headers: parts.headers,
        client: Some(from.ip()),
        body: body.into(),
    }
}

fn host(headers: &HeaderMap) -> Option<String> {
    Some(headers.get(proxy::HOST)?.to_str().unwrap_or_default().to_owned())
}

/// Keyhaven's own answer: a problem document.
fn refused(it: Refusal, request_id: &str) -> Response<AnyBody> {
    let status = StatusCode::from_u16(it.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let problem = api::problem(status, it.code, &it.message, it.remedy).into_response();
    let mut response = api::name_request(problem, request_id);
    let headers = response.headers_mut();
    headers.insert(ANSWER, HeaderValue::from_static("keyhaven"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(wait) = it.retry_after {
        headers.insert(header::RETRY_AFTER, whole_seconds(wait).into());
    }
    response.map(|body: Body| AnyBody::Own(body))
}

fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}
