//! The body of an app's answer, on its way in.

use std::{
    cmp::Ordering,
    io,
    pin::Pin,
    task::{Context, Poll, Waker, ready},
};

use bytes::{Bytes, BytesMut};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::runtime::Handle;

use super::{
    Way,
    line::Line,
    pool::{End, Pool},
    spoken::Spoken,
};
use crate::proxy::BrokenBody;

/// What is read at once.
const PIECE: u64 = 64 * 1024;

/// The body.
pub struct Answered {
    from: Source,
    broken: Option<BrokenBody>,
}

enum Source {
    /// All of it.
    Whole(Bytes),
    Rest(Box<Rest>),
    Spelled(Box<Spelled>),
}

/// What is left of a body that is told by its length.
struct Rest {
    ahead: Bytes,
    left: u64,
    piece: BytesMut,
    line: Option<(Line, End, Pool)>,
}

/// A body that hyper reads.
pub(super) struct Spelled {
    from: Incoming,
    /// None in HTTP/2, whose connections have tasks of their own.
    spoken: Option<(Box<Spoken>, End, Pool)>,
    ended: bool,
}

impl From<Source> for Answered {
    fn from(from: Source) -> Self {
        Self { from, broken: None }
    }
}

impl From<Spelled> for Answered {
    fn from(spelled: Spelled) -> Self {
        Source::Spelled(Box::new(spelled)).into()
    }
}

impl Answered {
    /// What has come of a body, and how long it is. What is whole gives its connection back at once.
    pub(super) fn plain(line: Line, mut ahead: Bytes, length: u64, way: &Way, pool: &Pool) -> Self {
        let came = ahead.len() as u64;
        match came.cmp(&length) {
            Ordering::Less => {
                let (left, line) = (length - came, Some((line, way.end.clone(), pool.clone())));
                return Source::Rest(Box::new(Rest { ahead, left, piece: BytesMut::new(), line })).into();
            }
            Ordering::Equal => pool.keep(&way.end, line),
            // Whatever goes on behind it, nobody asked for that.
            Ordering::Greater => ahead.truncate(length as usize),
        }
        Source::Whole(ahead).into()
    }

    /// The whole body, where it has come already.
    pub(crate) fn into_whole(self) -> Result<Bytes, Self> {
        match self {
            Self { from: Source::Whole(whole), .. } => Ok(whole),
            other => Err(other),
        }
    }
}

impl Rest {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BrokenBody>>> {
        if !self.ahead.is_empty() {
            return Poll::Ready(Some(Ok(std::mem::take(&mut self.ahead))));
        }
        let Some((line, ..)) = &mut self.line else { return Poll::Ready(None) };
        let bound = self.left.min(PIECE) as usize;
        self.piece.reserve(bound);
        let came = ready!(line.poll_more(cx, &mut self.piece, bound));
        match came {
            Ok(0) => Poll::Ready(self.breaks(io::ErrorKind::UnexpectedEof.into())),
            Err(error) => Poll::Ready(self.breaks(error)),
            Ok(came) => {
                self.left -= came as u64;
                if self.left == 0
                    && let Some((line, end, pool)) = self.line.take()
                {
                    pool.keep(&end, line);
                }
                Poll::Ready(Some(Ok(self.piece.split().freeze())))
            }
        }
    }

    fn breaks(&mut self, error: io::Error) -> Option<Result<Bytes, BrokenBody>> {
        self.line = None;
        Some(Err(BrokenBody::Answer(error)))
    }
}

impl Spelled {
    pub(super) fn new(from: Incoming, spoken: Option<(Box<Spoken>, End, Pool)>) -> Self {
        Self { from, spoken, ended: false }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = self.poll_on(cx);
        self.ended |= matches!(frame, Poll::Ready(None));
        frame
    }

    fn poll_on(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if self.spoken.is_some() {
            let there = Pin::new(&mut self.from).poll_frame(&mut Context::from_waker(Waker::noop()));
            if there.is_ready() {
                return there;
            }
            self.spoken.take_if(|(spoken, ..)| Pin::new(&mut spoken.connection).poll(cx).is_ready());
        }
        Pin::new(&mut self.from).poll_frame(cx)
    }
}

impl Drop for Spelled {
    /// Whatever broke off takes its connection along. An answer may end before all of its request is sent.
    fn drop(&mut self) {
        let Some((spoken, end, pool)) = self.spoken.take_if(|_| self.ended || self.from.is_end_stream())
        else {
            return;
        };
        match spoken.into_line() {
            Ok(Some(line)) => pool.keep(&end, line),
            Ok(None) => {}
            Err(spoken) => {
                if let Ok(runtime) = Handle::try_current() {
                    runtime.spawn(spoken.finish());
                }
            }
        }
    }
}

impl Body for Answered {
    type Data = Bytes;
    type Error = BrokenBody;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenBody>>> {
        if let Some(error) = self.broken.take() {
            return Poll::Ready(Some(Err(error)));
        }
        let frame = match &mut self.from {
            Source::Whole(whole) => {
                let whole = std::mem::take(whole);
                (!whole.is_empty()).then_some(Ok(Frame::data(whole)))
            }
            Source::Rest(rest) => ready!(rest.poll(cx)).map(|piece| piece.map(Frame::data)),
            Source::Spelled(spelled) => ready!(spelled.poll(cx)).map(|frame| frame.map_err(BrokenBody::from)),
        };
        match frame {
            // Told a moment later, so that what came before it is passed on.
            Some(Err(error)) => {
                self.broken = Some(error);
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            frame => Poll::Ready(frame),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.from {
            Source::Whole(whole) => whole.is_empty(),
            Source::Rest(rest) => rest.ahead.is_empty() && rest.line.is_none() && self.broken.is_none(),
            Source::Spelled(spelled) => spelled.from.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.from {
            Source::Whole(whole) => SizeHint::with_exact(whole.len() as u64),
            Source::Rest(rest) => SizeHint::with_exact(rest.ahead.len() as u64 + rest.left),
            Source::Spelled(spelled) => spelled.from.size_hint(),
        }
    }
}
