//! One connection of a caller, from its first byte to its end. While it waits for a request it holds neither
//! buffers nor anything else of HTTP: ten thousand that wait cost little.

use std::{convert::Infallible, net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use axum::http::{Request, Response};
use hyper::{
    body::{Body, Incoming},
    server::conn::http1,
    service::Service,
};
use hyper_util::{
    rt::{TokioExecutor, TokioTimer},
    server::{conn::auto, graceful::GracefulConnection},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::watch,
    time::{self, Instant, timeout_at},
};
use tokio_rustls::server::TlsStream;

use super::{
    plain::{self, Next},
    pulse::{Answer, Io, Pulse},
    worker::{Shared, answer},
};

/// Headers that are not there by then are not waited for; neither is the next request on an open connection.
const HEADER_TIME: Duration = Duration::from_secs(75);
/// By HTTP/2, a caller that has been asked to leave and takes so long is gone.
const LEAVE_TIME: Duration = Duration::from_secs(900);
/// A caller that reads nothing of its answer for so long is gone.
pub(super) const STUCK_TIME: Duration = Duration::from_secs(120);
const MAX_HEADER_BYTES: u32 = 64 * 1024;
/// How often a connection is looked at; less often while a request takes long.
pub(super) const LOOK: Duration = Duration::from_millis(200);
const LOOK_BUSY: Duration = Duration::from_secs(1);
const HTTP2: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What HTTP is spoken over.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// All that comes is seen on the socket: nothing waits in between.
    const IS_BARE: bool;

    /// The socket below.
    fn socket(&self) -> &TcpStream;

    /// Does it begin as HTTP/1 does?
    async fn is_http1(&self) -> bool;
}

impl Stream for TcpStream {
    const IS_BARE: bool = true;

    fn socket(&self) -> &TcpStream {
        self
    }

    async fn is_http1(&self) -> bool {
        let mut first = [0; HTTP2.len()];
        let length = self.peek(&mut first).await.unwrap_or(0);
        first[..length] != HTTP2[..length]
    }
}

impl Stream for TlsStream<TcpStream> {
    const IS_BARE: bool = false;

    fn socket(&self) -> &TcpStream {
        self.get_ref().0
    }

    async fn is_http1(&self) -> bool {
        // Whoever does not say so does not speak HTTP/2.
        self.get_ref().1.alpn_protocol() != Some(b"h2")
    }
}

/// How HTTP is spoken.
pub(super) struct Http {
    http1: http1::Builder,
    /// Either version, where the first bytes do not tell.
    any: auto::Builder<TokioExecutor>,
}

impl Default for Http {
    fn default() -> Self {
        let mut http1 = http1::Builder::new();
        http1.header_read_timeout(None);
        let mut any = auto::Builder::new(TokioExecutor::new());
        any.http1()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIME)
            .http2()
            .timer(TokioTimer::new())
            .max_header_list_size(MAX_HEADER_BYTES)
            .keep_alive_interval(HEADER_TIME);
        Self { http1, any }
    }
}

/// Serves a connection until one side ends it.
pub(super) async fn serve<S: Stream>(
    stream: S,
    from: SocketAddr,
    shared: Arc<Shared>,
    mut stop: watch::Receiver<()>,
) {
    let begins = timeout_at(Instant::now() + HEADER_TIME, stream.is_http1());
    let is_http1 = tokio::select! {
        biased;
        is_http1 = begins => is_http1,
        _ = stop.changed() => return,
    };
    let pulse = Arc::new(Pulse::default());
    let io = Io::new(stream, pulse.clone());
    let requests = Requests { from, shared: shared.clone(), pulse: pulse.clone() };
    match is_http1 {
        Ok(true) => http1(io.in_our_words(), requests, &mut stop).await,
        Ok(false) => {
            let mut connection = Box::pin(shared.http.any.serve_connection(io, requests));
            drive(connection.as_mut(), &pulse, &stop, false).await;
        }
        Err(_) => {}
    }
}

async fn http1<S: Stream>(mut io: Io<S>, requests: Requests, stop: &mut watch::Receiver<()>) {
    let Requests { shared, pulse, .. } = &requests;
    let mut end = Instant::now() + HEADER_TIME;
    loop {
        // With TLS, the first request may have come along with the end of the handshake.
        if (S::IS_BARE || pulse.requests() > 0)
            && let Some(stream) = io.drained()
        {
            let something = tokio::select! {
                biased;
                it = timeout_at(end, stream.socket().readable()) => it,
                _ = stop.changed() => return,
            };
            let Ok(Ok(())) = something else { return };
            if S::IS_BARE {
                let mut has_answered = false;
                // Boxed, so that a connection that waits holds no room for a call.
                let next = Box::pin(plain::serve(stream, &requests, stop, &mut has_answered)).await;
                if has_answered {
                    end = Instant::now() + HEADER_TIME;
                }
                match next {
                    Next::Ended => return,
                    Next::Waits if end <= Instant::now() => return,
                    Next::Waits => continue,
                    Next::Other(bytes) => io = io.after(bytes),
                }
            }
        }
        let before = pulse.requests();
        let mut connection = Box::new(shared.http.http1.serve_connection(io, requests.clone()));
        let has_ended = drive(Pin::new(&mut *connection), pulse, stop, true).await;
        let parts = connection.into_parts();
        if has_ended {
            if let Some((stream, status)) = parts.io.into_refused() {
                Box::pin(plain::refuse(stream, shared.app(), status)).await;
            }
            return;
        }
        io = parts.io.after(parts.read_buf);
        if pulse.requests() != before {
            end = Instant::now() + HEADER_TIME;
        } else if end <= Instant::now() {
            return;
        }
    }
}

/// Speaks until the connection ends, or until it may be laid down because it only waits for a request. True: it ended.
async fn drive<C: GracefulConnection>(
    mut connection: Pin<&mut C>,
    pulse: &Pulse,
    stop: &watch::Receiver<()>,
    may_rest: bool,
) -> bool
where
    C::Error: std::fmt::Display,
{
    let mut look = std::pin::pin!(time::sleep(LOOK));
    let (mut stuck, mut rests) = (None, None);
    loop {
        tokio::select! {
            biased;
            result = &mut connection => {
                if let Err(error) = result {
                    tracing::debug!(%error, "a connection ended badly");
                }
                return true;
            }
            () = &mut look => {}
        }
        if stop.has_changed().unwrap_or(true) {
            connection.as_mut().graceful_shutdown();
        } else if may_rest && pulse.is_idle() {
            return false;
        }
        let now = Instant::now();
        stuck = since(stuck, pulse.waits_to_write(), now);
        if stuck.is_some_and(|(_, since)| now - since >= STUCK_TIME) {
            tracing::debug!("a caller stopped reading its answer");
            return true;
        }
        // In HTTP/2 there is always something to read, such as whether the other end is there.
        let waits = if may_rest { pulse.waits_to_read() } else { pulse.waits_for_request() };
        rests = since(rests, waits, now);
        let rested = rests.map_or(Duration::ZERO, |(_, since)| now - since);
        if rested >= HEADER_TIME && (may_rest || pulse.requests() == 0) || rested >= LEAVE_TIME {
            return true;
        }
        // In HTTP/2 requests may be on their way just then, and answers that were handed over.
        if rested >= HEADER_TIME {
            connection.as_mut().graceful_shutdown();
        }
        look.as_mut().reset(now + LOOK_BUSY);
    }
}

/// The count, and since when it is the same.
fn since(before: Option<(u32, Instant)>, count: Option<u32>, now: Instant) -> Option<(u32, Instant)> {
    let count = count?;
    Some(before.filter(|(same, _)| *same == count).unwrap_or((count, now)))
}

/// What is asked on one connection.
#[derive(Clone)]
pub(super) struct Requests {
    pub(super) from: SocketAddr,
    pub(super) shared: Arc<Shared>,
    pulse: Arc<Pulse>,
}

impl Service<Request<Incoming>> for Requests {
    type Response = Response<Answer>;
    type Error = Infallible;
    /// Boxed, so that a connection between two requests holds no room for one.
    type Future = Pin<Box<dyn Future<Output = Result<Response<Answer>, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let Self { from, shared, pulse } = self.clone();
        let (bare, open) = (request.is_end_stream(), pulse.begins());
        Box::pin(async move { Ok(Answer::to(bare, open, answer(&shared, from, request).await)) })
    }
}

#[cfg(test)]
mod tests;
