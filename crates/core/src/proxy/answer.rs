//! The answer on its way back, and the record of it that is made when it ends.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::Method;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Instant;

use super::{BrokenBody, Payload, body::Progress, governor::Turn, known::Caller, target::Target};
use crate::{
    Keyhaven,
    egress::Answered,
    usage::{Call, Source},
};

/// The body of an answer. Its end, however it comes, is counted.
pub struct Passing {
    body: Payload<Answered>,
    _count: Count,
    /// The request, of which the app may not have read all.
    request: Option<Progress>,
}

impl Passing {
    pub(super) fn new(body: Payload<Answered>, count: Count, request: Option<Progress>) -> Self {
        Self { body, _count: count, request }
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        if let Some(request) = self.request.take() {
            request.settle();
        }
    }
}

impl Body for Passing {
    type Data = Bytes;
    type Error = BrokenBody;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenBody>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// One call, recorded when it is dropped.
pub(super) struct Count {
    app: Arc<Keyhaven>,
    call: Option<Box<Call>>,
    began: Instant,
}

impl Count {
    pub(super) fn new(
        app: &Arc<Keyhaven>,
        caller: &Caller,
        target: &Target,
        method: &Method,
        path: &str,
        began: Instant,
        at: i64,
    ) -> Self {
        app.metrics.call_began();
        let call = Box::new(Call {
            connection: target.id.clone(),
            token: caller.id.clone(),
            at,
            method: method.clone(),
            path: path.to_owned(),
            // Whoever leaves before the answer: the number that others use for that.
            status: 499,
            ms: 0,
            waited_ms: 0,
            cost: 0,
            source: Source::Keyhaven,
        });
        Self { app: app.clone(), call: Some(call), began }
    }

    /// From then on it is the app that takes its time.
    pub(super) fn goes_out(&mut self, cost: u32, Turn { at, waited }: Turn) {
        self.began = at;
        if let Some(call) = &mut self.call {
            call.cost = cost;
            call.waited_ms = call.waited_ms.saturating_add(millis(waited));
        }
    }

    pub(super) fn answered(&mut self, status: u16) {
        if let Some(call) = &mut self.call {
            (call.status, call.source) = (status, Source::App);
        }
    }

    pub(super) fn refused(&mut self, status: u16) {
        if let Some(call) = &mut self.call {
            (call.status, call.cost) = (status, 0);
        }
    }
}

fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

impl Drop for Count {
    fn drop(&mut self) {
        let Some(mut call) = self.call.take() else { return };
        call.ms = millis(self.began.elapsed());
        self.app.metrics.call_ended(call.status);
        self.app.recorder.record(call);
    }
}
