//! When a connection is laid down, and when it is given up.

use axum::body::Body as Page;
use http_body_util::BodyExt;
use hyper::{client::conn::http2, service::service_fn};
use hyper_util::rt::TokioIo;
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
            let (bare, open) = (request.is_end_stream(), noted.begins());
            let answer = Response::new(AnyBody::Own(Page::from(vec![b'x'; $bytes])));
            async move {
                if request.headers().contains_key("x-read") {
                    request.into_body().collect().await.unwrap();
                }
                Ok::<_, Infallible>(Answer::to(bare, open, answer))
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

#[tokio::test(start_paused = true)]
async fn whoever_asks_nothing_more_by_http2_is_given_up() {
    let (caller, ours) = duplex(1 << 16);
    let pulse = Arc::new(Pulse::default());
    let noted = pulse.clone();
    let service = service_fn(move |_| {
        let open = noted.begins();
        async move {
            time::sleep(4 * HEADER_TIME).await;
            Ok::<_, Infallible>(Answer::to(true, open, Response::new(AnyBody::Own(Page::empty()))))
        }
    });
    let http = Http::default();
    let mut connection = Box::pin(http.any.serve_connection(Io::new(ours, pulse.clone()), service));
    let (_stop, stopped) = watch::channel(());
    let asks = async {
        let (mut send, caller) = http2::handshake(TokioExecutor::new(), TokioIo::new(caller)).await.unwrap();
        tokio::spawn(caller);
        let request = Request::get("http://x/").body(Page::empty()).unwrap();
        send.send_request(request).await.unwrap();
        (Instant::now(), send)
    };
    let driven = async { (drive(connection.as_mut(), &pulse, &stopped, false).await, Instant::now()) };
    let ((answered, _send), (has_ended, ended)) = tokio::join!(asks, driven);
    assert!(has_ended && (HEADER_TIME..HEADER_TIME + 3 * SECOND).contains(&(ended - answered)));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_refused_by_whoever_speaks() {
    for (asks, in_our_words) in
        [("GET / HTTP/1.1", true), ("GET / HTTP/1.0", true), ("GET / HTTP/1.1", false)]
    {
        let (mut caller, ours) = duplex(1 << 16);
        let pulse = Arc::new(Pulse::default());
        let noted = pulse.clone();
        let service = service_fn(move |_| {
            let answer = Answer::to(true, noted.begins(), Response::new(AnyBody::Own(Page::empty())));
            async move { Ok::<_, Infallible>(answer) }
        });
        let io = Io::new(ours, pulse.clone());
        let io = if in_our_words { io.in_our_words() } else { io };
        let http = Http::default();
        let mut connection = Box::pin(http.http1.serve_connection(io, service));
        let (_stop, stopped) = watch::channel(());
        let first = format!("{asks}\r\nconnection: keep-alive\r\n\r\n");
        caller.write_all(format!("{first}NO : REQUEST\r\n\r\n").as_bytes()).await.unwrap();
        assert!(drive(connection.as_mut(), &pulse, &stopped, true).await);
        let told = Pin::into_inner(connection).into_parts().io.into_refused().map(|(_, status)| status);
        let mut text = String::new();
        caller.read_to_string(&mut text).await.unwrap();
        let (answers, refusals) = (text.matches(" 200 OK").count(), text.matches(" 400 Bad").count());
        let want = if in_our_words { (Some(400), 1, 0) } else { (None, 1, 1) };
        assert_eq!((told, answers, refusals), want, "{text}");
    }
}

#[tokio::test]
async fn a_connection_is_not_laid_down_while_requests_wait_to_be_read() {
    const MANY: usize = 40;
    let (_caller, ours) = duplex(1 << 20);
    let pulse = Arc::new(Pulse::default());
    let noted = pulse.clone();
    let service = service_fn(move |_| {
        let open = noted.begins();
        // Takes long and never waits: hyper rests after some of them.
        std::thread::sleep(LOOK / 12);
        let answer = Answer::to(true, open, Response::new(AnyBody::Own(Page::empty())));
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
