//! Bodies that are counted while they come, and bodies that are written while they go.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
};

use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, header},
    response::Response,
};
use hyper::body::{Body as HttpBody, Frame};
use tokio::sync::mpsc;

use crate::listen::Ending;

/// A request's body, whose bytes are counted.
pub(crate) struct Counted {
    pub inner: Body,
    pub seen: Arc<AtomicU64>,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        if let Some(Ok(data)) = frame.as_ref().map(|frame| frame.as_ref().map(Frame::data_ref)) {
            self.seen.fetch_add(data.map_or(0, |data| data.len() as u64), Ordering::Relaxed);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }
}

/// Where the bytes of a written body go. Sending waits until the last piece was taken.
pub(crate) struct Pen(mpsc::Sender<Result<Bytes, Ending>>);

impl Pen {
    /// `None` when nobody reads any more.
    pub(crate) async fn write(&self, bytes: Bytes) -> Option<()> {
        self.0.send(Ok(bytes)).await.ok()
    }

    /// Ends the connection in place of the body.
    pub(crate) async fn end(&self, how: Ending) -> Option<()> {
        self.0.send(Err(how)).await.ok()
    }

    /// Waits until all was taken, or nobody reads any more.
    pub(crate) async fn unread(&self) {
        self.0.closed().await;
    }
}

struct Written(mpsc::Receiver<Result<Bytes, Ending>>);

impl HttpBody for Written {
    type Data = Bytes;
    type Error = Ending;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Ending>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}

/// The answer, with a body of `length` bytes that `write` writes. It stops when the caller has left.
pub(crate) fn written<F, W>(mut answer: Response, length: u64, write: W) -> Response
where
    W: FnOnce(Pen) -> F,
    F: Future<Output = Option<()>> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(write(Pen(sender)));
    answer.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    *answer.body_mut() = Body::new(Written(receiver));
    answer
}
