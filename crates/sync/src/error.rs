//! What can go wrong, with what to do about it.

/// Why a sync stopped, in words for a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SyncError {
    /// Which kind.
    pub kind: Failure,
    /// What happened.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

/// Kinds of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The destination cannot be used as it is.
    Destination,
    /// Somebody else is at it.
    Busy,
    /// The app does not accept the key any more.
    KeyRejected,
    /// The app's budget of today, or this sync's share of it, is used up. It goes on later by itself.
    Budget,
    /// The app, or the way to it, does not work at the moment.
    App,
    /// Somebody cancelled it.
    Cancelled,
    /// What was asked for makes no sense.
    Usage,
}

impl Failure {
    /// The machine word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Destination => "destination",
            Self::Busy => "busy",
            Self::KeyRejected => "key_rejected",
            Self::Budget => "budget",
            Self::App => "app",
            Self::Cancelled => "cancelled",
            Self::Usage => "usage",
        }
    }
}

impl SyncError {
    /// One of these.
    pub fn new(kind: Failure, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { kind, message: message.into(), remedy: remedy.into() }
    }

    pub(crate) fn destination(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(Failure::Destination, message, remedy)
    }
}
