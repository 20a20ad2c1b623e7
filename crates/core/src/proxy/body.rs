//! Bodies that pass through, piece by piece, and end when nothing comes any more.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::{
    runtime::Handle,
    sync::{
        mpsc,
        oneshot::{self, error::TryRecvError},
    },
    time::{Instant, Sleep, sleep, timeout},
};

use crate::egress::Answered;

/// A sender that pauses for longer than this is gone.
const IDLE: Duration = Duration::from_secs(60);
/// What is read of a request that is refused.
const MAX_DRAIN: usize = 64 * 1024 * 1024;
const DRAIN_TIME: Duration = Duration::from_secs(15);

/// Why a body broke off.
#[derive(Debug, thiserror::Error)]
pub enum BrokenBody {
    /// Nothing came for a long time.
    #[error("nothing came for {} seconds", IDLE.as_secs())]
    Idle,
    /// The connection broke.
    #[error(transparent)]
    Connection(#[from] hyper::Error),
    /// The same, where no library spoke on it.
    #[error("{0}")]
    Answer(#[source] std::io::Error),
    /// What was to be sent cannot be read to its end.
    #[error("what was to be sent cannot be read: {0}")]
    Read(#[from] std::io::Error),
}

/// A body on its way. Holds one piece at a time.
pub struct Flow<B = Incoming> {
    /// Always there, until it is dropped.
    from: Option<B>,
    /// Runs only while nothing comes.
    idle: Option<Pin<Box<Sleep>>>,
    watched: Option<Watched<B>>,
}

/// How a body went so far, and what nobody read to its end, once its reader has let go of it.
pub(super) struct Progress<B = Incoming> {
    passed: Arc<Mutex<Passed>>,
    rest: oneshot::Receiver<B>,
}

/// The side of a flow.
struct Watched<B> {
    passed: Arc<Mutex<Passed>>,
    rest: oneshot::Sender<B>,
}

struct Passed {
    /// When a piece did last.
    last: Instant,
    /// It broke off on the way in.
    is_broken: bool,
    /// Its reader wants more, and its sender sends nothing.
    is_awaited: bool,
}

impl<B> Watched<B> {
    fn note(&self, is_broken: bool) {
        let passed = Passed { last: Instant::now(), is_broken, is_awaited: false };
        *self.passed.lock().unwrap_or_else(PoisonError::into_inner) = passed;
    }

    /// Nothing comes; perhaps for too long.
    fn awaits(&self, is_broken: bool) {
        let mut passed = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
        (passed.is_awaited, passed.is_broken) = (true, is_broken);
    }
}

impl<B> Progress<B> {
    fn new() -> (Watched<B>, Self) {
        let passed =
            Arc::new(Mutex::new(Passed { last: Instant::now(), is_broken: false, is_awaited: false }));
        let (sender, rest) = oneshot::channel();
        (Watched { passed: passed.clone(), rest: sender }, Self { passed, rest })
    }

    pub(super) fn last(&self) -> Instant {
        self.passed.lock().unwrap_or_else(PoisonError::into_inner).last
    }

    pub(super) fn is_broken(&self) -> bool {
        self.passed.lock().unwrap_or_else(PoisonError::into_inner).is_broken
    }

    pub(super) fn is_awaited(&self) -> bool {
        self.passed.lock().unwrap_or_else(PoisonError::into_inner).is_awaited
    }

    /// What was not read, if nobody reads it any more.
    pub(super) fn rest(mut self) -> Option<B> {
        self.rest.try_recv().ok()
    }
}

impl Progress {
    /// Once the answer has ended: reads what the app does not, so that the caller's connection can go on. To let go of
    /// it before would, in HTTP/2, break the whole call off.
    pub(super) fn settle(mut self) {
        match self.rest.try_recv() {
            Ok(rest) => Payload::from(rest).drain(),
            Err(TryRecvError::Closed) => {}
            Err(TryRecvError::Empty) => {
                let Ok(runtime) = Handle::try_current() else { return };
                runtime.spawn(async move {
                    if let Ok(rest) = self.rest.await {
                        Payload::from(rest).drain();
                    }
                });
            }
        }
    }
}

impl<B> Drop for Flow<B> {
    fn drop(&mut self) {
        if let (Some(watched), Some(from)) = (self.watched.take(), self.from.take()) {
            // Whom it was for may be gone.
            let _ = watched.rest.send(from);
        }
    }
}

impl<B> Flow<B> {
    /// A body as it comes over a connection.
    pub fn new(from: B) -> Self {
        Self { from: Some(from), idle: None, watched: None }
    }
}

impl<B: Body<Data = Bytes, Error: Into<BrokenBody>> + Unpin> Body for Flow<B> {
    type Data = Bytes;
    type Error = BrokenBody;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenBody>>> {
        let Some(from) = &mut self.from else { return Poll::Ready(None) };
        if let Poll::Ready(frame) = Pin::new(from).poll_frame(cx) {
            self.idle = None;
            if let Some(watched) = &self.watched {
                watched.note(matches!(frame, Some(Err(_))));
            }
            // Trailers could say what headers may not, in either direction: none pass.
            let frame = frame.filter(|frame| !frame.as_ref().is_ok_and(Frame::is_trailers));
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let idle = self.idle.get_or_insert_with(|| Box::pin(sleep(IDLE)));
        let is_over = idle.as_mut().poll(cx).is_ready();
        if let Some(watched) = &self.watched {
            watched.awaits(is_over);
        }
        if is_over { Poll::Ready(Some(Err(BrokenBody::Idle))) } else { Poll::Pending }
    }

    fn is_end_stream(&self) -> bool {
        self.from.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.from.as_ref().map(Body::size_hint).unwrap_or_default()
    }
}

/// What is sent, or what is answered.
pub enum Payload<B = Incoming> {
    /// A whole text.
    Whole(Bytes),
    /// A body on its way.
    Flow(Flow<B>),
    /// What somebody reads from a file or a pipe.
    Fed {
        /// Piece by piece.
        pieces: mpsc::Receiver<std::io::Result<Bytes>>,
        /// How many bytes are still to come, where that is known.
        left: Option<u64>,
    },
}

impl Payload {
    /// Notes from now on when its pieces pass, where any are to come.
    pub(super) fn watch(&mut self) -> Option<Progress> {
        let Self::Flow(flow) = self else { return None };
        if flow.is_end_stream() {
            return None;
        }
        let (watched, progress) = Progress::new();
        flow.watched = Some(watched);
        Some(progress)
    }

    /// Reads what is still to come and drops it, up to a bound, so that its sender gets to see a refusal. To let go
    /// of it at once would, in HTTP/2, break the call off before the refusal is there.
    pub fn drain(self) {
        if let Self::Flow(mut flow) = self
            && !flow.is_end_stream()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(timeout(DRAIN_TIME, async move {
                let mut left = MAX_DRAIN;
                while let Some(Ok(frame)) = flow.frame().await {
                    let Some(less) = left.checked_sub(frame.data_ref().map_or(0, Bytes::len)) else { return };
                    left = less;
                }
            }));
        }
    }
}

impl Payload<Answered> {
    /// A body of which the beginning has been read already.
    pub(super) fn resumed(start: Bytes, mut rest: Answered) -> Self {
        let (sender, pieces) = mpsc::channel(1);
        let left = rest.size_hint().exact().map(|rest| start.len() as u64 + rest);
        tokio::spawn(async move {
            let mut piece = Ok(start);
            while sender.send(piece).await.is_ok() {
                let next = tokio::select! {
                    next = timeout(IDLE, rest.frame()) => next,
                    () = sender.closed() => return,
                };
                piece = match next {
                    Ok(None) => return,
                    Ok(Some(Ok(frame))) => Ok(frame.into_data().unwrap_or_default()),
                    Ok(Some(Err(error))) => Err(std::io::Error::other(error)),
                    Err(_) => Err(std::io::ErrorKind::TimedOut.into()),
                };
            }
        });
        Self::Fed { pieces, left }
    }
}

impl<B> From<Flow<B>> for Payload<B> {
    fn from(flow: Flow<B>) -> Self {
        Self::Flow(flow)
    }
}

impl From<Incoming> for Payload {
    fn from(incoming: Incoming) -> Self {
        if incoming.is_end_stream() { Self::default() } else { Self::Flow(Flow::new(incoming)) }
    }
}

impl From<Answered> for Payload<Answered> {
    fn from(answered: Answered) -> Self {
        match answered.into_whole() {
            Ok(whole) => Self::Whole(whole),
            Err(rest) => Self::Flow(Flow::new(rest)),
        }
    }
}

impl<B> From<Bytes> for Payload<B> {
    fn from(bytes: Bytes) -> Self {
        Self::Whole(bytes)
    }
}

/// Nothing.
impl<B> Default for Payload<B> {
    fn default() -> Self {
        Self::Whole(Bytes::new())
    }
}

impl<B: Body<Data = Bytes, Error: Into<BrokenBody>> + Unpin> Body for Payload<B> {
    type Data = Bytes;
    type Error = BrokenBody;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenBody>>> {
        match self.get_mut() {
            Self::Whole(whole) => {
                let whole = std::mem::take(whole);
                Poll::Ready((!whole.is_empty()).then_some(Ok(Frame::data(whole))))
            }
            Self::Flow(flow) => Pin::new(flow).poll_frame(cx),
            Self::Fed { pieces, left } => pieces.poll_recv(cx).map(|piece| {
                piece.map(|piece| {
                    let piece = piece?;
                    *left = left.map(|left| left.saturating_sub(piece.len() as u64));
                    Ok(Frame::data(piece))
                })
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(whole) => whole.is_empty(),
            Self::Flow(flow) => flow.is_end_stream(),
            Self::Fed { .. } => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(whole) => SizeHint::with_exact(whole.len() as u64),
            Self::Flow(flow) => flow.size_hint(),
            Self::Fed { left, .. } => left.map(SizeHint::with_exact).unwrap_or_default(),
        }
    }
}
