//! Threads that speak HTTP: one for each core but one, each with connections and a door of its own, so that a request
//! never changes threads on its way through. Pages, API and database run on the main threads. With a thread for each
//! core as well, all would take turns all the time, for a seventh more of the system's time.

use std::{
    io,
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{HeaderValue, Request, Response, StatusCode, Version, header},
};
use hyper::body::Incoming;
use keyhaven_core::{
    Keyhaven,
    egress::Door,
    http1::{self, Reply},
    proxy::{Payload, Refusal},
};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, mpsc, oneshot, watch},
    time,
};
use tower::ServiceExt;

use super::{
    AnyBody,
    connection::{self, Http},
    forwarded::TrustedProxies,
    tls::Tls,
};
use crate::proxy;

const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// What answers requests.
#[derive(Clone)]
pub(crate) struct Service {
    pub app: Arc<Keyhaven>,
    pub router: Router,
    pub trusted: Arc<TrustedProxies>,
    /// The main threads.
    pub main: Handle,
}

/// A connection that was accepted.
pub(crate) struct Accepted {
    pub stream: TcpStream,
    pub from: SocketAddr,
    /// Given back when the connection ends.
    pub place: OwnedSemaphorePermit,
}

/// The threads.
pub(crate) struct Workers {
    each: Vec<Worker>,
    next: AtomicUsize,
}

struct Worker {
    connections: mpsc::UnboundedSender<Accepted>,
    /// Tells when everything has ended in order.
    ended: oneshot::Receiver<()>,
}

impl Workers {
    pub(crate) fn start(service: Service, tls: Option<Arc<Tls>>) -> io::Result<Self> {
        let count = thread::available_parallelism().map_or(1, |cores| cores.get().saturating_sub(1).max(1));
        let each =
            (0..count).map(|_| Worker::start(service.clone(), tls.clone())).collect::<io::Result<_>>()?;
        Ok(Self { each, next: AtomicUsize::new(0) })
    }

    /// Hands a connection to the next thread in turn.
    pub(crate) fn hand(&self, accepted: Accepted) {
        let next = self.next.fetch_add(1, Ordering::Relaxed) % self.each.len();
        // A thread ends only after this sender is gone.
        let _ = self.each[next].connections.send(accepted);
    }

    /// Lets the requests under way finish; true if they did in time.
    pub(crate) async fn stop(self, within: Duration) -> bool {
        let ends: Vec<_> = self.each.into_iter().map(|worker| worker.ended).collect();
        let all = async {
            for end in ends {
                let _ = end.await;
            }
        };
        time::timeout(within, all).await.is_ok()
    }
}

impl Worker {
    fn start(service: Service, tls: Option<Arc<Tls>>) -> io::Result<Self> {
        let (connections, accepted) = mpsc::unbounded_channel();
        let (end, ended) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        thread::Builder::new().name("http".into()).spawn(move || {
            runtime.block_on(work(service, tls, accepted));
            let _ = end.send(());
        })?;
        Ok(Self { connections, ended })
    }
}

/// What all connections of one thread use.
pub(super) struct Shared {
    service: Service,
    door: Door,
    pub(super) http: Http,
}

async fn work(service: Service, tls: Option<Arc<Tls>>, mut accepted: mpsc::UnboundedReceiver<Accepted>) {
    let shared = Arc::new(Shared { door: service.app.door(), service, http: Http::default() });
    let (stop, stopped) = watch::channel(());
    while let Some(Accepted { stream, from, place }) = accepted.recv().await {
        let (shared, stopped, tls) = (shared.clone(), stopped.clone(), tls.clone());
        tokio::spawn(async move {
            let _place = place;
            let Ok(stream) = tokio::net::TcpStream::from_std(stream) else { return };
            match tls {
                None => connection::serve(stream, from, shared, stopped).await,
                // Boxed: a connection without TLS holds no room for it.
                Some(tls) => Box::pin(secured(tls, stream, from, shared, stopped)).await,
            }
        });
    }
    drop(stopped);
    let _ = stop.send(());
    stop.closed().await;
}

async fn secured(
    tls: Arc<Tls>,
    stream: tokio::net::TcpStream,
    from: SocketAddr,
    shared: Arc<Shared>,
    stopped: watch::Receiver<()>,
) {
    match time::timeout(HANDSHAKE_TIME, tls.accept(stream)).await {
        Ok(Ok(stream)) => connection::serve(stream, from, shared, stopped).await,
        Ok(Err(error)) => tracing::debug!(%error, "no secure connection was made"),
        Err(_) => tracing::debug!("no secure connection was made in time"),
    }
}

impl Shared {
    pub(super) fn app(&self) -> &Arc<Keyhaven> {
        &self.service.app
    }
}

/// Passes a request for the proxy on.
pub(super) async fn pass(
    Shared { service, door, .. }: &Shared,
    from: SocketAddr,
    request: &mut http1::Request,
) -> Reply<AnyBody> {
    let from = service.trusted.client(from, request.said.headers());
    proxy::handle(&service.app, door, from, request).await
}

/// Answers any request.
pub(super) async fn answer(
    shared: &Shared,
    from: SocketAddr,
    request: Request<Incoming>,
) -> Response<AnyBody> {
    let mut hosts = request.headers().get_all(header::HOST).iter().map(HeaderValue::as_bytes);
    if request.version() == Version::HTTP_11 && !http1::is_named_once(&mut hosts) {
        Payload::from(request.into_body()).drain();
        return proxy::told(Err(Refusal::unnamed()), shared.app().new_request_id()).into();
    }
    if proxy::is_for(request.uri().path()) {
        return pass(shared, from, &mut request.into()).await.into();
    }
    let service = &shared.service;
    let from = service.trusted.client(from, request.headers());
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(from));
    let own = service.main.spawn(service.router.clone().oneshot(request)).await;
    let Ok(Ok(own)) = own else {
        tracing::error!("a request ended without an answer");
        let mut broken = Response::new(AnyBody::Own(Body::empty()));
        *broken.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        return broken;
    };
    own.map(AnyBody::Own)
}
