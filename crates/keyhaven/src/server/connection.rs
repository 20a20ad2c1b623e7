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
        self.get_ref().1.alpn_protocol() == Some(b"http/1.1")
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
        Ok(true) => http1(io, requests, &mut stop).await,
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
        if drive(Pin::new(&mut *connection), pulse, stop, true).await {
            return;
        }
        let parts = connection.into_parts();
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
        // In HTTP/2 others may be under way, once there are any.
        let waits = pulse.waits_to_read().filter(|_| may_rest || pulse.requests() == 0);
        rests = since(rests, waits, now);
        if rests.is_some_and(|(_, since)| now - since >= HEADER_TIME) {
            return true;
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
        pulse.begins();
        let bare = request.is_end_stream();
        Box::pin(async move { Ok(Answer::to(bare, pulse, answer(&shared, from, request).await)) })
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body as Page;
    use http_body_util::BodyExt;
    use hyper::service::service_fn;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;
    use crate::server::AnyBody;

    const SECOND: Duration = Duration::from_secs(1);

    /// A connection that answers with so many bytes, and what its caller holds. A pipe holds 1 KiB.
    macro_rules! connection {
        ($bytes:expr) => {{
            let (caller, ours) = duplex(1024);
            let pulse = Arc::new(Pulse::default());
            let noted = pulse.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                noted.begins();
                let (bare, noted) = (request.is_end_stream(), noted.clone());
                let answer = Response::new(AnyBody::Own(Page::from(vec![b'x'; $bytes])));
                async move {
                    if request.headers().contains_key("x-read") {
                        request.into_body().collect().await.unwrap();
                    }
                    Ok::<_, Infallible>(Answer::to(bare, noted, answer))
                }
            });
            let http = Http::default();
            let connection = http.http1.serve_connection(Io::new(ours, pulse.clone()), service);
            (caller, Box::pin(connection), pulse)
        }};
    }

    async fn ask(caller: &mut DuplexStream, more: &str) {
        caller.write_all(format!("GET / HTTP/1.1\r\nhost: x\r\n{more}").as_bytes()).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_reads_nothing_of_an_answer_is_given_up() {
        let (mut caller, mut connection, pulse) = connection!(1 << 20);
        let (_stop, stopped) = watch::channel(());
        let began = Instant::now();
        ask(&mut caller, "\r\n").await;
        assert!(drive(connection.as_mut(), &pulse, &stopped, true).await);
        let took = began.elapsed();
        assert!((STUCK_TIME..STUCK_TIME + 3 * SECOND).contains(&took), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_reads_slowly_is_not() {
        let (mut caller, mut connection, pulse) = connection!(32 * 1024);
        let (_stop, stopped) = watch::channel(());
        let began = Instant::now();
        ask(&mut caller, "connection: close\r\n\r\n").await;
        let reads = async {
            let mut got = Vec::new();
            while caller.read_buf(&mut got).await.unwrap() > 0 {
                time::sleep(60 * SECOND).await;
            }
            got
        };
        let (_, got) = tokio::join!(drive(connection.as_mut(), &pulse, &stopped, true), reads);
        assert!(got.len() > 32 * 1024 && began.elapsed() > 2 * STUCK_TIME, "{:?}", began.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_waits_is_laid_down_and_loses_nothing() {
        let (mut caller, mut connection, pulse) = connection!(2);
        let (_stop, stopped) = watch::channel(());
        ask(&mut caller, "\r\nGET /next HT").await;
        assert!(!drive(connection.as_mut(), &pulse, &stopped, true).await);
        let parts = Pin::into_inner(connection).into_parts();
        assert_eq!((&parts.read_buf[..], pulse.requests()), (&b"GET /next HT"[..], 1));
        assert!(parts.io.after(parts.read_buf).drained().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_rests_after_a_body_is_closed_in_time() {
        let (mut caller, mut connection, pulse) = connection!(2);
        let (_stop, stopped) = watch::channel(());
        let began = Instant::now();
        let asks = async {
            for _ in 0..3 {
                ask(&mut caller, "x-read: 1\r\ncontent-length: 2\r\n\r\nab").await;
                time::sleep(60 * SECOND).await;
            }
        };
        let both = async { tokio::join!(drive(connection.as_mut(), &pulse, &stopped, true), asks).0 };
        assert!(time::timeout(1000 * SECOND, both).await.expect("it is closed"));
        assert_eq!(pulse.requests(), 3);
        let took = began.elapsed();
        assert!((120 * SECOND + HEADER_TIME..200 * SECOND).contains(&took), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_does_not_tell_which_version_it_speaks_is_given_up() {
        for begins in [1, HTTP2.len() - 1] {
            let (mut caller, ours) = duplex(1024);
            let pulse = Arc::new(Pulse::default());
            let service = service_fn(|_| async { Ok::<_, Infallible>(Response::new(Page::empty())) });
            let http = Http::default();
            let mut connection = Box::pin(http.any.serve_connection(Io::new(ours, pulse.clone()), service));
            let (_stop, stopped) = watch::channel(());
            caller.write_all(&HTTP2[..begins]).await.unwrap();
            let driven = drive(connection.as_mut(), &pulse, &stopped, false);
            assert!(time::timeout(2 * HEADER_TIME, driven).await.expect("it is closed"));
        }
    }

    #[tokio::test]
    async fn a_connection_is_not_laid_down_while_requests_wait_to_be_read() {
        const MANY: usize = 40;
        let (_caller, ours) = duplex(1 << 20);
        let pulse = Arc::new(Pulse::default());
        let noted = pulse.clone();
        let service = service_fn(move |_| {
            noted.begins();
            // Takes long and never waits: hyper rests after some of them.
            std::thread::sleep(LOOK / 12);
            let answer = Answer::to(true, noted.clone(), Response::new(AnyBody::Own(Page::empty())));
            async move { Ok::<_, Infallible>(answer) }
        });
        let requests = format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "x".repeat(500)).repeat(MANY);
        let io = Io::new(ours, pulse.clone()).after(requests.into());
        let http = Http::default();
        let mut connection = Box::pin(http.http1.serve_connection(io, service));
        let (_stop, stopped) = watch::channel(());
        assert!(!drive(connection.as_mut(), &pulse, &stopped, true).await);
        assert_eq!(pulse.requests() as usize, MANY);
        assert!(Pin::into_inner(connection).into_parts().io.drained().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_not_laid_down_while_a_body_may_be_on_its_way() {
        let (mut caller, mut connection, pulse) = connection!(2);
        let (_stop, stopped) = watch::channel(());
        ask(&mut caller, "content-length: 2\r\n\r\nx").await;
        let driven = drive(connection.as_mut(), &pulse, &stopped, true);
        assert!(time::timeout(30 * SECOND, driven).await.is_ok_and(|ended| ended), "it is closed instead");
    }
}
