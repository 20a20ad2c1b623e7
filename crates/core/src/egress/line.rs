//! One connection of HTTP/1 to an app: a socket, with or without TLS, on which nothing is under way. It serves one
//! request at a time and runs within that request's task: to hand each piece to a task of its own and back would cost
//! more than the rest of the way.

use std::{
    future::Future,
    io,
    pin::pin,
    task::{Context, Poll, Waker},
};

use bytes::{Buf, Bytes, BytesMut};
use hyper_rustls::MaybeHttpsStream;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::unconstrained,
};

use super::{Asked, Way, answered::Answered, client::Failed, pool::Pool, spoken::Spoken};
use crate::{
    http1::{self, LastNames, Reply},
    proxy::Payload,
};

/// What is spoken over.
pub(super) type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

/// What is read at once of an answer's beginning.
const BEGINNING: usize = 8 * 1024;

/// The connection.
pub(super) struct Line(Box<Inner>);

struct Inner {
    stream: TokioIo<Stream>,
    /// Room for the next beginning: that of the last one, once nobody needs it any more.
    room: BytesMut,
    last: LastNames,
}

impl Line {
    pub(super) fn new(stream: Stream) -> Self {
        Self(Box::new(Inner {
            stream: TokioIo::new(stream),
            room: BytesMut::new(),
            last: LastNames::default(),
        }))
    }

    pub(super) fn stream(&self) -> &Stream {
        self.0.stream.inner()
    }

    pub(super) fn stream_mut(&mut self) -> &mut Stream {
        self.0.stream.inner_mut()
    }

    /// Nothing came, and it was not closed. Costs nothing, unless there is something. A task that did much at once
    /// would be told to wait, whatever there is: its budget is left aside.
    pub(super) fn is_open(&mut self) -> bool {
        let mut byte = [0];
        let mut look = pin!(unconstrained(self.0.stream.read(&mut byte)));
        look.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending()
    }

    /// Sends a request. The body of the answer takes the connection along, and puts it back at its end. The body of the
    /// request stays where it is if nothing of it was sent.
    pub(super) async fn exchange(
        mut self,
        way: &Way,
        asked: &Asked<'_>,
        body: &mut Payload,
        pool: &Pool,
    ) -> Result<Reply<Answered>, Failed> {
        let Payload::Whole(whole) = body else {
            return Box::pin(Spoken::exchange(self, None, way, asked, body, pool)).await;
        };
        let text = way.text(asked, whole);
        let mut beginning = self.ask(&text).await.map_err(|error| Failed::silent(&error))?;
        let Some(answer) = http1::read_answer(&beginning, asked.method, &mut self.0.last) else {
            return Box::pin(Spoken::exchange(self, Some(beginning), way, asked, body, pool)).await;
        };
        beginning.advance(answer.end);
        Ok(Reply { head: answer.head, body: Answered::plain(self, beginning, answer.length, way, pool) })
    }

    /// Sends all of a request, and waits for the beginning of the answer.
    async fn ask(&mut self, text: &[u8]) -> io::Result<Bytes> {
        let sent = async {
            self.0.stream.write_all(text).await?;
            self.0.stream.flush().await
        };
        // An app that refuses a request early answers and closes before it has read all of it.
        match sent.await {
            Err(error) if !is_closed(&error) => return Err(error),
            _ => {}
        }
        self.0.room.reserve(BEGINNING);
        match self.0.stream.read_buf(&mut self.0.room).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(self.0.room.split().freeze()),
        }
    }

    /// Reads more, up to a bound.
    pub(super) fn poll_more(
        &mut self,
        cx: &mut Context<'_>,
        more: &mut BytesMut,
        bound: usize,
    ) -> Poll<io::Result<usize>> {
        let mut more = bytes::BufMut::limit(more, bound);
        pin!(self.0.stream.read_buf(&mut more)).poll(cx)
    }
}

/// The other end takes no more. What it said before may be there to be read.
pub(super) fn is_closed(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, time::Duration};

    use tokio::{net::TcpListener, task::coop::poll_proceed};

    use super::*;

    #[tokio::test]
    async fn the_end_of_a_kept_connection_is_seen_by_a_task_that_did_much() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let mut line = Line::new(MaybeHttpsStream::Http(TokioIo::new(stream)));
        let (other, _) = listener.accept().await.unwrap();
        assert!(line.is_open());
        drop(other);
        tokio::time::sleep(Duration::from_millis(50)).await;
        poll_fn(|cx| {
            while let Poll::Ready(step) = poll_proceed(cx) {
                step.made_progress();
            }
            assert!(!line.is_open());
            Poll::Ready(())
        })
        .await;
    }
}
