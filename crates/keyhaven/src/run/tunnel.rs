//! The loopback proxy: who may use it, and where each connection leads.

use std::{convert::Infallible, sync::Arc};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, header},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use keyhaven_core::egress;
use tokio::net::TcpListener;

use super::{Shared, opened};
use crate::server::AnyBody;

/// The name before the secret.
pub(super) const USER: &str = "keyhaven";

/// What programs send for the secret.
pub(super) fn authorization(secret: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{USER}:{secret}")))
}

/// Answers until it is aborted.
pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let shared = shared.clone();
        tokio::spawn(async move {
            let answer = service_fn(move |request| {
                let shared = shared.clone();
                async move { Ok::<_, Infallible>(answer(shared, request).await) }
            });
            let connection =
                http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), answer);
            let _ = connection.with_upgrades().await;
        });
    }
}

async fn answer(shared: Arc<Shared>, mut request: Request<Incoming>) -> Response<AnyBody> {
    if !may_use(&shared, request.headers()) {
        let mut refused = said(
            StatusCode::PROXY_AUTHENTICATION_REQUIRED,
            "This proxy is for the program that keyhaven run has started, which finds its address and password in HTTPS_PROXY.",
        );
        let ask = HeaderValue::from_static("Basic realm=\"keyhaven run\"");
        refused.headers_mut().insert(header::PROXY_AUTHENTICATE, ask);
        return refused;
    }
    let Some((host, port)) = target(request.uri()) else {
        return said(StatusCode::BAD_REQUEST, "This is a proxy; a request needs a host.");
    };
    if request.method() != Method::CONNECT {
        return plain(&shared, request, &host, port).await;
    }
    if let Some(acceptor) = shared.acceptor(&host, port) {
        let acceptor = acceptor.clone();
        shared.note(|| format!("{host}: through the connection “{}”", shared.connection));
        tokio::spawn(async move {
            if let Ok(upgraded) = hyper::upgrade::on(&mut request).await
                && let Ok(stream) = acceptor.accept(TokioIo::new(upgraded)).await
            {
                opened::serve(stream, host, shared).await;
            }
        });
        return Response::new(AnyBody::Own(Body::empty()));
    }
    if shared.strict {
        return closed(&shared, &host, port);
    }
    let mut there = match egress::tunnel(&host, port).await {
        Ok(there) => there,
        Err(error) => {
            return said(StatusCode::BAD_GATEWAY, &format!("{host}:{port} cannot be reached: {error}"));
        }
    };
    shared.note(|| format!("{host}:{port}: untouched"));
    tokio::spawn(async move {
        if let Ok(upgraded) = hyper::upgrade::on(&mut request).await {
            let _ = tokio::io::copy_bidirectional(&mut TokioIo::new(upgraded), &mut there).await;
        }
    });
    Response::new(AnyBody::Own(Body::empty()))
}

/// A request that is not for a tunnel. Some programs send those for https to a proxy, too.
async fn plain(shared: &Shared, request: Request<Incoming>, host: &str, port: u16) -> Response<AnyBody> {
    let is_opened = shared.acceptor(host, if port == 80 { 443 } else { port }).is_some();
    match request.uri().scheme_str() {
        Some("https") if is_opened => opened::pass(shared, host, request).await,
        _ if is_opened => said(
            StatusCode::FORBIDDEN,
            &format!("Keyhaven adds the key only to https. Write https://{host} in the program."),
        ),
        _ if shared.strict => closed(shared, host, port),
        _ => said(
            StatusCode::NOT_IMPLEMENTED,
            "This proxy takes https only, by CONNECT. Unset the program's setting of a proxy for http.",
        ),
    }
}

/// No other host is to be reached.
fn closed(shared: &Shared, host: &str, port: u16) -> Response<AnyBody> {
    shared.note(|| format!("{host}:{port}: refused"));
    let why = "keyhaven run --strict lets this program reach only the hosts of its connection";
    said(StatusCode::FORBIDDEN, &format!("{why}, and {host}:{port} is none of them."))
}

/// Takes as long for a wrong secret as for a right one.
fn may_use(shared: &Shared, headers: &HeaderMap) -> bool {
    let given = headers.get(header::PROXY_AUTHORIZATION).map(HeaderValue::as_bytes).unwrap_or_default();
    let wanted = shared.authorization.as_bytes();
    given.len() == wanted.len() && given.iter().zip(wanted).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

fn target(uri: &Uri) -> Option<(String, u16)> {
    let host = super::plain_host(uri.host()?);
    let usual = if uri.scheme_str() == Some("http") { 80 } else { 443 };
    Some((host, uri.port_u16().unwrap_or(usual)))
}

fn said(status: StatusCode, text: &str) -> Response<AnyBody> {
    let mut response = Response::new(AnyBody::Own(Body::from(format!("{text}\n"))));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
