//! A connection to one of the app's hosts, opened: each request goes through Keyhaven.

use std::{borrow::Cow, convert::Infallible, sync::Arc};

use axum::http::{Request, Response, header};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use keyhaven_core::{
    RequestId, SystemRng,
    proxy::{Inbound, Refusal},
    remote::RemoteError,
};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Shared, plain_host};
use crate::{proxy::told, server::AnyBody};

/// Speaks HTTP/1.1 or HTTP/2 as this host.
pub(super) async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    host: String,
    shared: Arc<Shared>,
) {
    let answer = service_fn(move |request| {
        let (host, shared) = (host.clone(), shared.clone());
        async move { Ok::<_, Infallible>(pass(&shared, &host, request).await) }
    });
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1().timer(TokioTimer::new());
    http.http2().timer(TokioTimer::new());
    let _ = http.serve_connection(TokioIo::new(stream), answer).await;
}

/// Passes one request on.
pub(super) async fn pass(shared: &Shared, host: &str, request: Request<Incoming>) -> Response<AnyBody> {
    if names(&request).is_some_and(|named| named != host) {
        return refused(
            400,
            format!("The connection was opened for {host}, and the request names another host."),
        );
    }
    let (parts, body) = request.into_parts();
    shared.note(|| format!("{} https://{host}{}", parts.method, parts.uri.path()));
    let call = Inbound {
        method: parts.method,
        connection: &shared.connection,
        path: parts.uri.path(),
        query: parts.uri.query().map(Cow::Borrowed),
        said: &parts.headers.into(),
        host: Some(host),
        reached: None,
        client: None,
        body: body.into(),
    };
    match shared.passage.send(call).await {
        Ok(answer) => answer,
        Err(RemoteError::Path(wrong)) => told(Err(wrong.into()), request_id()).into(),
        Err(error) => refused(502, format!("Keyhaven's server cannot be asked: {error}.")),
    }
}

/// The host that the request itself names.
fn names(request: &Request<Incoming>) -> Option<String> {
    let named = request.uri().host().or_else(|| {
        let header = request.headers().get(header::HOST)?.to_str().ok()?;
        header
            .rsplit_once(':')
            .filter(|(_, port)| port.parse::<u16>().is_ok())
            .map_or(Some(header), |it| Some(it.0))
    })?;
    Some(plain_host(named))
}

fn refused(status: u16, message: String) -> Response<AnyBody> {
    let (code, remedy) = match status {
        400 => ("bad_path", "Use one connection for each host."),
        _ => ("unreachable", "Look at --server, KEYHAVEN_TOKEN and whether the server runs; then try again."),
    };
    told(Err(Refusal { status, code, message, remedy, retry_after: None }), request_id()).into()
}

fn request_id() -> RequestId {
    RequestId::random(&SystemRng)
}
