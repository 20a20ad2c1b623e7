//! What can go wrong between the caller and the app, whatever was asked.

use std::{
    future::{pending, poll_fn},
    pin::Pin,
    sync::atomic::Ordering,
    time::Duration,
};

use axum::{
    body::{Body, Bytes, to_bytes},
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use hyper::body::Body as HttpBody;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::sleep;

use crate::{
    Mode, answers,
    bodies::{Counted, Pen, written},
    listen::{Ending, HangUp},
    modes::forced,
};

/// Pieces of a big body.
const PIECE: Bytes = Bytes::from_static(&[b' '; 64 * 1024]);
/// Between the bytes that arrive and the reset that would otherwise overtake them.
const BEFORE_RESET: Duration = Duration::from_millis(20);

/// One thing that goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// The answer begins so many milliseconds later.
    Latency {
        /// Milliseconds.
        ms: u64,
    },
    /// Nothing ever comes.
    HangBeforeHead,
    /// Head and half the body come, and nothing more.
    HangMidBody,
    /// Head and half the body come, then TCP is reset.
    ResetMidBody,
    /// Bytes that are no HTTP.
    Garbage,
    /// The answer is good, and then the connection is closed without having said so.
    CloseAfterAnswer,
    /// The same, announced by `Connection: close`.
    AnnouncedClose,
    /// The connection is closed without an answer.
    CloseWithoutAnswer,
    /// An answer with a `Location`.
    Redirect {
        /// 301, 302, 303, 307 or 308; every other number works too.
        status: u16,
        /// The `Location`, sent as it is.
        to: String,
    },
    /// An answer in JSON that is no page: `{"success": false, "error": "…", "errorCode": 403}`.
    Answer {
        /// Its status.
        status: u16,
        /// What it says.
        error: String,
    },
    /// 200 with so many spaces, made while they are sent.
    Big {
        /// Bytes.
        bytes: u64,
    },
    /// The answer's body comes in small pieces.
    Drip {
        /// Bytes of a piece.
        bytes: usize,
        /// Milliseconds before each piece.
        every_ms: u64,
    },
    /// As a key of this mode is answered, such as `{"as": "burst"}`.
    As(Mode),
    /// The request's body is read to its end, counted and dropped: `{"success": true, "data": {"bytes": 5}}`.
    Swallow,
    /// The answer carries one more header, such as `set-cookie`.
    Header {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
    },
}

impl Fault {
    /// What comes in place of an answer, if anything does.
    pub(crate) async fn before(&self, body: &mut Counted) -> Option<Response> {
        match self {
            Self::Latency { ms } => {
                sleep(Duration::from_millis(*ms)).await;
                None
            }
            Self::HangBeforeHead => pending().await,
            Self::Garbage => Some(ended(Ending::Garbage)),
            Self::CloseWithoutAnswer => Some(ended(Ending::Close)),
            Self::Redirect { status, to } => Some(redirect(*status, to)),
            Self::Answer { status, error } => Some(told(*status, error)),
            Self::Big { bytes } => Some(big(*bytes)),
            Self::Swallow => Some(swallow(body).await),
            Self::As(mode) => forced(*mode).await,
            _ => None,
        }
    }

    /// What becomes of a good answer.
    pub(crate) async fn after(&self, mut answer: Response, hang_up: &HangUp) -> Response {
        match self {
            Self::HangMidBody | Self::ResetMidBody | Self::CloseAfterAnswer | Self::Drip { .. } => {
                rewrite(self.clone(), answer, hang_up.clone()).await
            }
            Self::AnnouncedClose => {
                answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                answer
            }
            Self::Header { name, value } => {
                if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) {
                    answer.headers_mut().append(name, value);
                }
                answer
            }
            _ => answer,
        }
    }
}

/// The same head, and a body that is written as the fault has it.
async fn rewrite(fault: Fault, answer: Response, hang_up: HangUp) -> Response {
    let (head, body) = answer.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else { return answers::internal_error() };
    let answer = Response::from_parts(head, Body::empty());
    written(answer, body.len() as u64, |pen| write(fault, pen, body, hang_up))
}

async fn write(fault: Fault, pen: Pen, body: Bytes, hang_up: HangUp) -> Option<()> {
    let half = body.slice(..body.len() / 2);
    match fault {
        Fault::Drip { bytes, every_ms } => {
            for piece in body.chunks(bytes.max(1)) {
                sleep(Duration::from_millis(every_ms)).await;
                pen.write(body.slice_ref(piece)).await?;
            }
        }
        Fault::HangMidBody => {
            pen.write(half).await?;
            pen.unread().await;
        }
        Fault::ResetMidBody => {
            pen.write(half).await?;
            sleep(BEFORE_RESET).await;
            pen.end(Ending::Reset).await?;
        }
        _ => {
            pen.write(body).await?;
            pen.unread().await;
            hang_up.0.notify_one();
        }
    }
    Some(())
}

/// An answer that is not sent: its connection ends instead.
pub(crate) fn ended(ending: Ending) -> Response {
    let mut answer = Response::new(Body::empty());
    answer.extensions_mut().insert(ending);
    answer
}

/// An answer with a `Location`, which may be no URL at all.
pub(crate) fn redirect(status: u16, to: &str) -> Response {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::FOUND);
    if let Ok(to) = to.parse() {
        answer.headers_mut().insert(header::LOCATION, to);
    }
    answer
}

fn told(status: u16, error: &str) -> Response {
    let code = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answers::json_answer(code, &json!({ "success": false, "error": error, "errorCode": status }))
}

/// 200 with so many spaces.
pub(crate) fn big(length: u64) -> Response {
    written(Response::new(Body::empty()), length, async move |pen| {
        let mut left = length;
        while left > 0 {
            let piece = left.min(PIECE.len() as u64);
            pen.write(PIECE.slice(..piece as usize)).await?;
            left -= piece;
        }
        Some(())
    })
}

async fn swallow(body: &mut Counted) -> Response {
    while let Some(frame) = poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await {
        if frame.is_err() {
            return ended(Ending::Close);
        }
    }
    let bytes = body.seen.load(Ordering::Relaxed);
    answers::json_answer(StatusCode::OK, &json!({ "success": true, "data": { "bytes": bytes } }))
}
