//! A connection as hyper gets to see it.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use hyper::rt::{Read, ReadBufCursor, Write};

use super::line::{Line, is_closed};

/// An app that refuses a request early answers and closes before it has read the body. What is still sent then fails,
/// while the answer is there to be read: so that failure is passed over, and reading tells how it ended.
pub(super) struct Heard {
    line: Line,
    /// Has been read already.
    ahead: Bytes,
    /// The request has been sent already: what hyper writes of it goes nowhere.
    is_sent: bool,
    /// It has written something. It takes no answer before.
    has_written: bool,
    closed: bool,
}

impl Heard {
    /// With the beginning of its answer, the request is sent.
    pub(super) fn new(line: Line, beginning: Option<Bytes>) -> Self {
        let is_sent = beginning.is_some();
        Self { line, ahead: beginning.unwrap_or_default(), is_sent, has_written: false, closed: false }
    }

    /// The connection, if all that came was read and the other end takes more.
    pub(super) fn into_line(self) -> Option<Line> {
        (self.ahead.is_empty() && !self.closed).then_some(self.line)
    }

    /// Does what is written go nowhere?
    fn is_done(&mut self, cx: &Context<'_>) -> bool {
        if self.is_sent && !std::mem::replace(&mut self.has_written, true) {
            cx.waker().wake_by_ref();
        }
        self.is_sent || self.closed
    }

    /// What came of writing `length` bytes.
    fn wrote(&mut self, length: usize, result: io::Result<usize>) -> io::Result<usize> {
        result.or_else(|error| {
            self.closed = is_closed(&error);
            if self.closed { Ok(length) } else { Err(error) }
        })
    }
}

impl Read for Heard {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_sent && !self.has_written {
            return Poll::Pending;
        }
        if self.ahead.is_empty() {
            return Pin::new(self.line.stream_mut()).poll_read(cx, buffer);
        }
        let length = self.ahead.len().min(buffer.remaining());
        buffer.put_slice(&self.ahead.split_to(length));
        Poll::Ready(Ok(()))
    }
}

impl Write for Heard {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.is_done(cx) {
            return Poll::Ready(Ok(bytes.len()));
        }
        let result = Pin::new(self.line.stream_mut()).poll_write(cx, bytes);
        result.map(|result| self.wrote(bytes.len(), result))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let length = pieces.iter().map(|piece| piece.len()).sum();
        if self.is_done(cx) {
            return Poll::Ready(Ok(length));
        }
        let result = Pin::new(self.line.stream_mut()).poll_write_vectored(cx, pieces);
        result.map(|result| self.wrote(length, result))
    }

    fn is_write_vectored(&self) -> bool {
        self.line.stream().is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_sent || self.closed {
            return Poll::Ready(Ok(()));
        }
        let result = Pin::new(self.line.stream_mut()).poll_flush(cx);
        result.map(|result| self.wrote(0, result.map(|()| 0)).map(|_| ()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.line.stream_mut()).poll_shutdown(cx)
    }
}
