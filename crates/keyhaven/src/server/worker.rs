//! Threads that speak HTTP: one for each core, with connections and a door of its own, so that a request never
//! changes threads on its way through. Pages and API run on the main threads.

use std::{
    convert::Infallible,
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
    http::{Request, Response, StatusCode},
};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use keyhaven_core::{Keyhaven, egress::Door};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    runtime::Handle,
    sync::{OwnedSemaphorePermit, mpsc, oneshot},
    time,
};
use tower::ServiceExt;

use super::{AnyBody, tls::Tls};
use crate::proxy;

/// Headers that are not there by then are not waited for; neither is the next request on an open connection.
const HEADER_TIME: Duration = Duration::from_secs(75);
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
const MAX_HEADERS: usize = 64;
const MAX_HEADER_BYTES: u32 = 64 * 1024;

/// What answers requests.
#[derive(Clone)]
pub(crate) struct Service {
    pub app: Arc<Keyhaven>,
    pub router: Router,
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
        let count = thread::available_parallelism().map_or(1, usize::from);
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

async fn work(service: Service, tls: Option<Arc<Tls>>, mut accepted: mpsc::UnboundedReceiver<Accepted>) {
    let http = Arc::new(http());
    let door = Arc::new(service.app.door());
    let graceful = GracefulShutdown::new();
    while let Some(Accepted { stream, from, place }) = accepted.recv().await {
        let (service, door, http, watcher) =
            (service.clone(), door.clone(), http.clone(), graceful.watcher());
        let tls = tls.clone();
        tokio::spawn(async move {
            let _place = place;
            let Ok(stream) = tokio::net::TcpStream::from_std(stream) else { return };
            match tls {
                None => speak(&http, stream, from, service, door, watcher).await,
                Some(tls) => match time::timeout(HANDSHAKE_TIME, tls.accept(stream)).await {
                    Ok(Ok(stream)) => speak(&http, stream, from, service, door, watcher).await,
                    Ok(Err(error)) => tracing::debug!(%error, "no secure connection was made"),
                    Err(_) => tracing::debug!("no secure connection was made in time"),
                },
            }
        });
    }
    graceful.shutdown().await;
}

fn http() -> auto::Builder<TokioExecutor> {
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_headers(MAX_HEADERS)
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(MAX_HEADER_BYTES)
        .keep_alive_interval(HEADER_TIME);
    http
}

async fn speak<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    http: &auto::Builder<TokioExecutor>,
    stream: S,
    from: SocketAddr,
    service: Service,
    door: Arc<Door>,
    watcher: hyper_util::server::graceful::Watcher,
) {
    let answer = service_fn(move |request| {
        let (service, door) = (service.clone(), door.clone());
        // Boxed: a connection that waits for its next request holds no room for one.
        Box::pin(async move { Ok::<_, Infallible>(answer(service, door, from, request).await) })
    });
    let connection = http.serve_connection(TokioIo::new(stream), answer);
    if let Err(error) = watcher.watch(connection.into_owned()).await {
        tracing::debug!(%error, "a connection ended badly");
    }
}

async fn answer(
    service: Service,
    door: Arc<Door>,
    from: SocketAddr,
    request: Request<Incoming>,
) -> Response<AnyBody> {
    if proxy::is_for(request.uri().path()) {
        return proxy::handle(&service.app, &door, from, request).await;
    }
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(from));
    let own = service.main.spawn(service.router.oneshot(request)).await;
    let Ok(Ok(own)) = own else {
        tracing::error!("a request ended without an answer");
        let mut broken = Response::new(AnyBody::Own(Body::empty()));
        *broken.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        return broken;
    };
    own.map(AnyBody::Own)
}
