//! What a connection is doing, as its socket and its answers tell it.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    },
    task::{Context, Poll},
};

use axum::{BoxError, body::Bytes, http::Response};
use hyper::{
    body::{Body, Frame, SizeHint},
    rt::{Read, ReadBufCursor, Write},
};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use super::AnyBody;

/// Told on one thread, asked on the same.
#[derive(Default)]
pub(super) struct Pulse {
    /// A request is under way, or its body may not have been read to its end.
    busy: AtomicBool,
    /// A request is not answered to its end.
    open: AtomicBool,
    /// All that came was read, and more is waited for.
    hungry: AtomicBool,
    /// Counts what was read.
    reads: AtomicU32,
    /// Not all that was to be written is written.
    unsent: AtomicBool,
    /// Counts what was written.
    moves: AtomicU32,
    requests: AtomicU32,
}

impl Pulse {
    /// Nothing but the next request is waited for.
    pub(super) fn is_idle(&self) -> bool {
        !self.busy.load(Relaxed) && !self.unsent.load(Relaxed) && self.hungry.load(Relaxed)
    }

    /// What was read until now, if nothing but the next request is waited for, or what is left of the last one.
    pub(super) fn waits_to_read(&self) -> Option<u32> {
        let waits = !self.open.load(Relaxed) && !self.unsent.load(Relaxed);
        waits.then(|| self.reads.load(Relaxed))
    }

    /// What was written until now, if the other end has still to take the rest.
    pub(super) fn waits_to_write(&self) -> Option<u32> {
        self.unsent.load(Relaxed).then(|| self.moves.load(Relaxed))
    }

    /// Requests that came so far.
    pub(super) fn requests(&self) -> u32 {
        self.requests.load(Relaxed)
    }

    pub(super) fn begins(&self) {
        self.requests.fetch_add(1, Relaxed);
        self.busy.store(true, Relaxed);
        self.open.store(true, Relaxed);
    }
}

/// A socket that tells when it is written to. What was read too much comes first.
pub(super) struct Io<S> {
    stream: TokioIo<S>,
    ahead: Bytes,
    pulse: Arc<Pulse>,
}

impl<S> Io<S> {
    pub(super) fn new(stream: S, pulse: Arc<Pulse>) -> Self {
        Self { stream: TokioIo::new(stream), ahead: Bytes::new(), pulse }
    }

    /// Reads these bytes first; there are none left from before.
    pub(super) fn after(self, ahead: Bytes) -> Self {
        Self { ahead, ..self }
    }

    /// The stream, where nothing of it was read too much.
    pub(super) fn drained(&mut self) -> Option<&mut S> {
        self.ahead.is_empty().then(|| self.stream.inner_mut())
    }

    fn read(&self, result: Poll<io::Result<()>>) -> Poll<io::Result<()>> {
        self.pulse.hungry.store(result.is_pending(), Relaxed);
        if result.is_ready() {
            self.pulse.reads.fetch_add(1, Relaxed);
        }
        result
    }

    fn wrote(&self, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        self.pulse.unsent.store(true, Relaxed);
        if result.is_ready() {
            self.pulse.moves.fetch_add(1, Relaxed);
        }
        result
    }
}

impl<S: AsyncRead + Unpin> Read for Io<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if self.ahead.is_empty() {
            let result = Pin::new(&mut self.stream).poll_read(cx, buf);
            return self.read(result);
        }
        let length = self.ahead.len().min(buf.remaining());
        buf.put_slice(&self.ahead.split_to(length));
        self.read(Poll::Ready(Ok(())))
    }
}

impl<S: AsyncWrite + Unpin> Write for Io<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.wrote(result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, pieces);
        self.wrote(result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Asked once everything is written.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_flush(cx);
        self.pulse.unsent.store(result.is_pending(), Relaxed);
        result
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// The body of an answer, which ends the request.
pub(super) struct Answer {
    body: AnyBody,
    /// The request had no body of which anything could be left.
    bare: bool,
    pulse: Arc<Pulse>,
}

impl Answer {
    pub(super) fn to(bare: bool, pulse: Arc<Pulse>, answer: Response<AnyBody>) -> Response<Self> {
        answer.map(|body| Self { body, bare, pulse })
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.pulse.open.store(false, Relaxed);
        if self.bare {
            self.pulse.busy.store(false, Relaxed);
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
