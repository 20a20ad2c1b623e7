//! One connection of HTTP/1 to an app. It serves one request at a time and runs within that request's task: to hand
//! each piece to a task of its own and back would cost more than the rest of the way.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::{Request, Response};
use hyper::{
    body::{Body, Frame, Incoming, SizeHint},
    client::conn::{TrySendError, http1},
};
use hyper_rustls::MaybeHttpsStream;
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, runtime::Handle, task::unconstrained};

use super::{
    heard::Heard,
    pool::{End, Pool},
};
use crate::proxy::Payload;

/// What is spoken over.
pub(super) type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

/// The connection.
pub(super) struct Line {
    send: http1::SendRequest<Payload>,
    connection: http1::Connection<Heard<Stream>, Payload>,
}

/// Why there was no answer.
pub(super) struct Failed {
    pub error: hyper::Error,
    /// The request, where nothing of it was sent.
    pub unsent: Option<Request<Payload>>,
    /// Not a byte of an answer came.
    pub is_silent: bool,
}

impl Failed {
    pub(super) fn new(mut failed: TrySendError<Request<Payload>>, is_silent: bool) -> Self {
        let unsent = failed.take_message();
        let error = failed.into_error();
        Self { is_silent: is_silent && !error.is_parse(), error, unsent }
    }
}

impl Line {
    pub(super) async fn new(stream: Stream) -> hyper::Result<Box<Self>> {
        let (send, connection) = http1::handshake(Heard::new(stream)).await?;
        Ok(Box::new(Self { send, connection }))
    }

    pub(super) fn is_closed(&self) -> bool {
        self.send.is_closed()
    }

    /// Sends a request. The body of the answer takes the connection along, and puts it back at its end.
    pub(super) fn exchange(
        mut self: Box<Self>,
        request: Request<Payload>,
        end: &End,
        pool: &Pool,
    ) -> impl Future<Output = Result<Response<Answered>, Failed>> {
        let answer = self.send.try_send_request(request);
        async move {
            // What it waits for happens while the connection is polled, and nowhere else: nobody needs to be woken.
            let mut answer = pin!(unconstrained(answer));
            let (mut line, mut is_silent) = (Some(self), false);
            let answer = poll_fn(|cx| {
                // A connection that has ended is dropped, and says so to whoever waits for its answer.
                if let Some(ended) = line.take_if(|line| Pin::new(&mut line.connection).poll(cx).is_ready()) {
                    is_silent = ended.connection.into_parts().read_buf.is_empty();
                }
                answer.as_mut().poll(&mut Context::from_waker(Waker::noop()))
            })
            .await
            .map_err(|failed| Failed::new(failed, is_silent))?;
            let line = line.map(|line| (line, end.clone(), pool.clone()));
            Ok(answer.map(|from| Answered { from, line, ended: false, broken: None }))
        }
    }

    /// Sends what is left of a request that is answered, and drops what the app may still say. Whoever answers so early
    /// often closes, too: it is not used again.
    async fn finish(mut self: Box<Self>) {
        poll_fn(|cx| match Pin::new(&mut self.connection).poll(cx) {
            Poll::Pending if !self.send.is_ready() => Poll::Pending,
            _ => Poll::Ready(()),
        })
        .await;
    }
}

/// The body of an app's answer.
pub struct Answered {
    from: Incoming,
    /// None in HTTP/2, whose connections have tasks of their own.
    line: Option<(Box<Line>, End, Pool)>,
    ended: bool,
    broken: Option<hyper::Error>,
}

impl From<Incoming> for Answered {
    fn from(from: Incoming) -> Self {
        Self { from, line: None, ended: false, broken: None }
    }
}

impl Answered {
    fn poll_on(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if self.line.is_some() {
            let there = Pin::new(&mut self.from).poll_frame(&mut Context::from_waker(Waker::noop()));
            if there.is_ready() {
                return there;
            }
            self.line.take_if(|(line, ..)| Pin::new(&mut line.connection).poll(cx).is_ready());
        }
        Pin::new(&mut self.from).poll_frame(cx)
    }
}

impl Body for Answered {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if let Some(error) = self.broken.take() {
            return Poll::Ready(Some(Err(error)));
        }
        match self.poll_on(cx) {
            // Told a moment later, so that what came before it is passed on.
            Poll::Ready(Some(Err(error))) => {
                self.broken = Some(error);
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            frame => {
                self.ended |= matches!(frame, Poll::Ready(None));
                frame
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.from.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.from.size_hint()
    }
}

impl Drop for Answered {
    /// Whatever broke off takes its connection along. An answer may end before all of its request is sent.
    fn drop(&mut self) {
        if let Some((line, end, pool)) = self.line.take()
            && (self.ended || self.from.is_end_stream())
        {
            if line.send.is_ready() {
                pool.keep(&end, line);
            } else if let Ok(runtime) = Handle::try_current() {
                runtime.spawn(line.finish());
            }
        }
    }
}
