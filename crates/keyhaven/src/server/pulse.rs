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
    /// Requests that are not answered to their end.
    open: AtomicU32,
    /// The last bytes of an answer may not have been handed over for writing.
    leaving: AtomicBool,
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
        let waits = self.is_quiet();
        waits.then(|| self.reads.load(Relaxed))
    }

    /// No request is under way, and nothing is left to be written.
    fn is_quiet(&self) -> bool {
        self.open.load(Relaxed) == 0 && !self.unsent.load(Relaxed)
    }

    /// Requests that came so far, if no other is under way.
    pub(super) fn waits_for_request(&self) -> Option<u32> {
        self.is_quiet().then(|| self.requests())
    }

    /// What was written until now, if the other end has still to take the rest.
    pub(super) fn waits_to_write(&self) -> Option<u32> {
        self.unsent.load(Relaxed).then(|| self.moves.load(Relaxed))
    }

    /// Requests that came so far.
    pub(super) fn requests(&self) -> u32 {
        self.requests.load(Relaxed)
    }

    /// A request begins. It is open until what this gives is dropped.
    pub(super) fn begins(self: &Arc<Self>) -> Open {
        self.requests.fetch_add(1, Relaxed);
        self.busy.store(true, Relaxed);
        self.open.fetch_add(1, Relaxed);
        Open(self.clone())
    }
}

/// A request that is not answered to its end.
pub(super) struct Open(Arc<Pulse>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Relaxed);
    }
}

/// A socket that tells when it is written to. What was read too much comes first.
pub(super) struct Io<S> {
    stream: TokioIo<S>,
    ahead: Bytes,
    pulse: Arc<Pulse>,
    /// Refusals of what is no request are told in our words. Hyper's own go nowhere.
    in_our_words: bool,
    /// The status by which hyper wanted to refuse one.
    refused: Option<u16>,
}

impl<S> Io<S> {
    pub(super) fn new(stream: S, pulse: Arc<Pulse>) -> Self {
        Self { stream: TokioIo::new(stream), ahead: Bytes::new(), pulse, in_our_words: false, refused: None }
    }

    /// Whoever reads these will tell a refusal that is [still to be written](Self::into_refused).
    pub(super) fn in_our_words(self) -> Self {
        Self { in_our_words: true, ..self }
    }

    /// Reads these bytes first; there are none left from before.
    pub(super) fn after(self, ahead: Bytes) -> Self {
        Self { ahead, ..self }
    }

    /// The stream, where nothing of it was read too much.
    pub(super) fn drained(&mut self) -> Option<&mut S> {
        self.ahead.is_empty().then(|| self.stream.inner_mut())
    }

    /// The stream, and the status of the refusal that is still to be written there.
    pub(super) fn into_refused(self) -> Option<(S, u16)> {
        self.refused.map(|status| (self.stream.into_inner(), status))
    }

    /// Is this hyper's own refusal of what is no request? It comes while no answer of ours does.
    fn takes_refusal(&mut self, bytes: &[u8]) -> bool {
        let is_own = |status: &u16| {
            (400..500).contains(status) && self.pulse.is_quiet() && !self.pulse.leaving.load(Relaxed)
        };
        // Behind a digit and a blank.
        let status = || str::from_utf8(bytes.strip_prefix(b"HTTP/1.")?.get(2..5)?).ok()?.parse().ok();
        if self.in_our_words && self.refused.is_none() {
            self.refused = status().filter(is_own);
        }
        self.refused.is_some()
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
        if self.takes_refusal(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        let result = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.wrote(result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if pieces.first().is_some_and(|first| self.takes_refusal(first)) {
            return Poll::Ready(Ok(pieces.iter().map(|piece| piece.len()).sum()));
        }
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
        if result.is_ready() {
            self.pulse.leaving.store(false, Relaxed);
        }
        result
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.refused.is_some() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// The body of an answer, which ends the request.
pub(super) struct Answer {
    body: AnyBody,
    /// The request had no body of which anything could be left.
    bare: bool,
    open: Open,
}

impl Answer {
    pub(super) fn to(bare: bool, open: Open, answer: Response<AnyBody>) -> Response<Self> {
        answer.map(|body| Self { body, bare, open })
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.open.0.leaving.store(true, Relaxed);
        if self.bare {
            self.open.0.busy.store(false, Relaxed);
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
