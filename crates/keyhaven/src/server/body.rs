//! What is answered: a page or document of Keyhaven's own, or what an app answers.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    BoxError,
    body::{Body, Bytes},
};
use hyper::body::{Frame, SizeHint};
use keyhaven_core::proxy::{Flow, Passing};

/// The body of any answer.
pub(crate) enum AnyBody {
    Own(Body),
    Passing(Passing),
    /// From a Keyhaven server somewhere else.
    Flow(Flow),
}

impl hyper::body::Body for AnyBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.get_mut() {
            Self::Own(body) => Pin::new(body).poll_frame(cx).map_err(Into::into),
            Self::Passing(body) => Pin::new(body).poll_frame(cx).map_err(Into::into),
            Self::Flow(body) => Pin::new(body).poll_frame(cx).map_err(Into::into),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Own(body) => body.is_end_stream(),
            Self::Passing(body) => body.is_end_stream(),
            Self::Flow(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Own(body) => body.size_hint(),
            Self::Passing(body) => body.size_hint(),
            Self::Flow(body) => body.size_hint(),
        }
    }
}
