//! Plain calls of HTTP/1.1 through the proxy, one after another on one connection. Whatever is something else is left
//! to hyper, with all that was read.

use std::{
    future::{Future, poll_fn},
    io,
    mem::MaybeUninit,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{body::Bytes, http::Method};
use hyper::body::{Body, Frame};
use keyhaven_core::{
    Keyhaven, Millis,
    http1::{self, Last, Length, Reply},
    proxy::Refusal,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, ReadBuf, copy, sink},
    sync::watch,
    time::{self, Instant, timeout},
};

use super::{
    AnyBody,
    connection::{LOOK, Requests, STUCK_TIME, Stream},
    worker::pass,
};
use crate::proxy;

/// Room for most heads of answers, and short bodies.
const HEAD: usize = 4 * 1024;
/// Longer requests are not plain; longer pieces of an answer are not copied together.
const ROOM: usize = 8 * 1024;

/// What is still read of a request that was refused, and how long.
const MAX_LEFT: u64 = 16 * 1024 * 1024;
const LEFT_TIME: Duration = Duration::from_secs(5);

/// Why there is no further plain call.
pub(super) enum Next {
    /// The connection has ended.
    Ended,
    /// Nothing came for a moment.
    Waits,
    /// These bytes are something else.
    Other(Bytes),
}

/// Answers calls until something else comes, or nothing. Tells whether it answered any.
pub(super) async fn serve<S: Stream>(
    stream: &mut S,
    requests: &Requests,
    stop: &watch::Receiver<()>,
    has_answered: &mut bool,
) -> Next {
    let app = requests.shared.app();
    let is_stopping = || stop.has_changed().unwrap_or(true);
    let (mut out, mut last_head, mut is_new) = (Vec::with_capacity(HEAD), Last::default(), true);
    let mut look = pin!(time::sleep(LOOK));
    loop {
        let came = poll_fn(|cx| match read(stream, &mut last_head, cx) {
            Poll::Pending => look.as_mut().poll(cx).map(|()| None),
            came => came.map(Some),
        });
        let mut request = match came.await {
            Some(Ok(Ok(request))) => request,
            Some(Ok(Err(other))) if !other.is_empty() => return Next::Other(other),
            Some(_) => return Next::Ended,
            None if is_stopping() => return Next::Ended,
            None if !is_new => return Next::Waits,
            None => {
                is_new = false;
                look.as_mut().reset(Instant::now() + LOOK);
                continue;
            }
        };
        let answer = {
            let passed = pin!(pass(&requests.shared, requests.from, &mut request));
            unless_it_leaves(stream, passed).await
        };
        let Some(answer) = answer else { return Next::Ended };
        let closes = is_stopping();
        if !write(stream, &mut out, &request.method, answer, closes, || app.now()).await || closes {
            return Next::Ended;
        }
        (is_new, *has_answered) = (true, true);
    }
}

/// What comes next: a plain call, or other bytes; none at the end.
fn read<S: Stream>(
    stream: &mut S,
    last: &mut Last,
    cx: &mut Context<'_>,
) -> Poll<io::Result<Result<http1::Request, Bytes>>> {
    let mut room = [const { MaybeUninit::uninit() }; ROOM];
    let mut read = ReadBuf::uninit(&mut room);
    ready!(Pin::new(stream).poll_read(cx, &mut read))?;
    let request = http1::read_request(read.filled(), last).filter(|it| proxy::is_for(it.target.path()));
    Poll::Ready(Ok(request.ok_or_else(|| Bytes::copy_from_slice(read.filled()))))
}

/// Has the caller left? Whoever sends more is there.
fn has_left<S: Stream>(stream: &S, cx: &mut Context<'_>) -> bool {
    let mut byte = [0];
    let peeked = stream.socket().poll_peek(cx, &mut ReadBuf::new(&mut byte));
    !matches!(peeked, Poll::Pending | Poll::Ready(Ok(1..)))
}

/// What comes of it, unless the caller leaves before.
async fn unless_it_leaves<S: Stream, T>(
    stream: &S,
    mut future: Pin<&mut impl Future<Output = T>>,
) -> Option<T> {
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Pending if has_left(stream, cx) => Poll::Ready(None),
        polled => polled.map(Some),
    })
    .await
}

/// Tells a caller whose request cannot be read why, and ends the connection.
pub(super) async fn refuse<S: Stream>(mut stream: S, app: &Keyhaven, status: u16) {
    let answer = proxy::told(Err(Refusal::unreadable(status)), app.new_request_id());
    let told = async {
        write(&mut stream, &mut Vec::new(), &Method::GET, answer, true, || app.now()).await
            && stream.shutdown().await.is_ok()
    };
    if timeout(STUCK_TIME, told).await.unwrap_or(false) {
        // Were the connection closed while something comes, the answer could be lost on its way.
        let _ = timeout(LEFT_TIME, copy(&mut stream.take(MAX_LEFT), &mut sink())).await;
    }
}

/// Writes an answer; false: the connection cannot go on.
async fn write<S: Stream>(
    stream: &mut S,
    out: &mut Vec<u8>,
    method: &Method,
    Reply { head, body }: Reply<AnyBody>,
    closes: bool,
    now: impl FnOnce() -> Millis,
) -> bool {
    let mut body = pin!(body);
    let length = match body.size_hint().exact() {
        _ if *method == Method::HEAD || matches!(head.status.as_u16(), 204 | 304) => Length::Bare,
        Some(length) => Length::Known(length),
        None => Length::Chunks,
    };
    out.clear();
    http1::write_answer(out, &head, length, closes, now);
    let mut left = match length {
        Length::Bare => 0,
        Length::Known(length) => length,
        Length::Chunks => u64::MAX,
    };
    while left > 0 {
        let next = poll_fn(|cx| match body.as_mut().poll_frame(cx) {
            // What is there is sent before anything is waited for.
            Poll::Pending if !out.is_empty() => Poll::Ready(Some(Ok(Frame::data(Bytes::new())))),
            Poll::Pending if has_left(stream, cx) => Poll::Ready(Some(Err("the caller left".into()))),
            frame => frame,
        });
        let piece = match next.await {
            Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
            Some(Err(_)) => return false,
            None if length == Length::Chunks => break,
            None => return false,
        };
        let Some(less) = left.checked_sub(piece.len() as u64) else { return false };
        left = less;
        let is_chunk = length == Length::Chunks && !piece.is_empty();
        if is_chunk {
            out.extend(format!("{:x}\r\n", piece.len()).as_bytes());
        }
        if piece.is_empty() || piece.len() > ROOM || out.len() > ROOM {
            if !send(stream, out).await || !send(stream, &piece).await {
                return false;
            }
            out.clear();
        } else {
            out.extend(&piece);
        }
        if is_chunk {
            out.extend(b"\r\n");
        }
    }
    if length == Length::Chunks {
        out.extend(b"0\r\n\r\n");
    }
    send(stream, out).await
}

/// Sends all of it, unless the caller takes nothing for too long.
async fn send<S: Stream>(stream: &mut S, mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        let sent = match poll_fn(|cx| Poll::Ready(Pin::new(&mut *stream).poll_write(cx, bytes))).await {
            Poll::Ready(sent) => Ok(sent),
            Poll::Pending => timeout(STUCK_TIME, stream.write(bytes)).await,
        };
        let Ok(Ok(sent @ 1..)) = sent else { return false };
        bytes = &bytes[sent..];
    }
    true
}
