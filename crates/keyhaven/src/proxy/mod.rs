//! `/proxy/{connection}/{path}`: stands before the router, so that what only passes through costs little.

use std::{mem::take, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, Response, StatusCode, header},
    response::IntoResponse,
};
use keyhaven_core::{
    Keyhaven, RequestId,
    egress::Door,
    http1::{Head, Reply, Request},
    proxy::{self, Inbound, Passing, Refusal},
};

use crate::{api, server::AnyBody};

/// Says whose answer it is: the app's, or Keyhaven's own.
pub(crate) const ANSWER: HeaderName = HeaderName::from_static("x-keyhaven-answer");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-keyhaven-request-id");
/// The app's own, where it has one.
const ANY_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const PREFIX: &str = "/proxy/";

/// Is this request to be passed on, or was meant to be? A base URL that ends with a slash puts another one before.
pub(crate) fn is_for(path: &str) -> bool {
    let rest = path.trim_start_matches('/').strip_prefix("proxy");
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn names_connection(path: &str) -> bool {
    path.strip_prefix(PREFIX).is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
}

/// Passes a request on, or says why not.
pub(crate) async fn handle(
    app: &Arc<Keyhaven>,
    door: &Door,
    from: SocketAddr,
    request: &mut Request,
) -> Reply<AnyBody> {
    let id = app.new_request_id();
    if !names_connection(request.target.path()) {
        take(&mut request.body).drain();
        return told(Err(Refusal::no_connection()), id);
    }
    told(proxy::by_token(app, door, &mut inbound(from, request)).await, id)
}

/// What the caller gets to see: the app's answer, or why there is none.
pub(crate) fn told(result: Result<Reply<Passing>, Refusal>, id: RequestId) -> Reply<AnyBody> {
    let (mut reply, whose) = match result {
        Ok(answer) => (answer.map(AnyBody::Passing), "app"),
        Err(refusal) => (refused(refusal, id.as_str()).into(), "keyhaven"),
    };
    let Head { status, fields, .. } = &mut *reply.head;
    tracing::debug!(status = status.as_u16(), whose, id = id.as_str(), "answered a call");
    fields.add(&ANSWER, &HeaderValue::from_static(whose));
    if fields.get(&ANY_REQUEST_ID).is_none() {
        fields.add_id(&ANY_REQUEST_ID, &id);
    }
    fields.add_id(&REQUEST_ID, &id);
    reply
}

fn inbound(from: SocketAddr, Request { method, target, said, body }: &mut Request) -> Inbound<'_> {
    let rest = target.path().strip_prefix(PREFIX).unwrap_or_default();
    let (connection, path) =
        rest.bytes().position(|byte| byte == b'/').map_or((rest, "/"), |at| rest.split_at(at));
    Inbound {
        method: method.clone(),
        connection,
        path,
        query: target.query().map(Into::into),
        said,
        host: said.host(),
        reached: target.authority().or_else(|| said.reached()),
        client: Some(from.ip()),
        body: take(body),
    }
}

/// Keyhaven's own answer: a problem document.
fn refused(it: Refusal, request_id: &str) -> Response<AnyBody> {
    let status = StatusCode::from_u16(it.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let problem = api::problem(status, it.code, &it.message, it.remedy).into_response();
    let mut response = api::name_request(problem, request_id);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(wait) = it.retry_after {
        headers.insert(header::RETRY_AFTER, whole_seconds(wait).into());
    }
    response.map(|body: Body| AnyBody::Own(body))
}

fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}
