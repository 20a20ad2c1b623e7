//! What is not plain is spoken by hyper: bodies that come piece by piece, and answers that are framed in another way
//! than by one length.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    task::{Context, Waker},
};

use bytes::Bytes;
use hyper::client::conn::http1;
use tokio::task::unconstrained;

use super::{
    Asked, Way,
    answered::{Answered, Spelled},
    client::{Failed, MAX_HEADERS},
    fault::fault,
    heard::Heard,
    line::Line,
    pool::Pool,
};
use crate::{http1::Reply, proxy::Payload};

/// A connection while hyper speaks on it.
pub(super) struct Spoken {
    send: http1::SendRequest<Payload>,
    pub(super) connection: http1::Connection<Heard, Payload>,
}

impl Spoken {
    /// Sends a request. With the beginning of its answer: the request is sent already, and is not sent again.
    pub(super) async fn exchange(
        line: Line,
        beginning: Option<Bytes>,
        way: &Way,
        asked: &Asked<'_>,
        body: &mut Payload,
        pool: &Pool,
    ) -> Result<Reply<Answered>, Failed> {
        let is_sent = beginning.is_some();
        let handshake =
            http1::Builder::new().max_headers(MAX_HEADERS).handshake(Heard::new(line, beginning)).await;
        let (mut send, connection) = handshake.map_err(|error| Failed::at(fault(&error)))?;
        let request = way.request(asked, std::mem::take(body)).map_err(Failed::at)?;
        let answer = send.try_send_request(request);
        // What it waits for happens while the connection is polled, and nowhere else: nobody needs to be woken.
        let mut answer = pin!(unconstrained(answer));
        let (mut spoken, mut is_silent) = (Some(Box::new(Self { send, connection })), false);
        let answer = poll_fn(|cx| {
            // A connection that has ended is dropped, and says so to whoever waits for its answer.
            if let Some(ended) = spoken.take_if(|it| Pin::new(&mut it.connection).poll(cx).is_ready()) {
                is_silent = ended.connection.into_parts().read_buf.is_empty();
            }
            answer.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        })
        .await
        .map_err(|failed| match is_sent {
            true => Failed::at(fault(&failed.into_error())),
            false => Failed::unless_sent(failed, is_silent, body),
        })?;
        let place = spoken.map(|spoken| (spoken, way.end.clone(), pool.clone()));
        Ok(Reply::from(answer).map(|from| Answered::from(Spelled::new(from, place))))
    }

    /// The connection, if it may serve another request.
    pub(super) fn into_line(self: Box<Self>) -> Result<Option<Line>, Box<Self>> {
        if !self.send.is_ready() {
            return Err(self);
        }
        let parts = self.connection.into_parts();
        Ok(parts.io.into_line().filter(|_| parts.read_buf.is_empty()))
    }

    /// Sends what is left of a request that is answered, and drops what the app may still say. Whoever answers so early
    /// often closes, too: it is not used again.
    pub(super) async fn finish(mut self: Box<Self>) {
        poll_fn(|cx| match Pin::new(&mut self.connection).poll(cx) {
            std::task::Poll::Pending if !self.send.is_ready() => std::task::Poll::Pending,
            _ => std::task::Poll::Ready(()),
        })
        .await;
    }
}
