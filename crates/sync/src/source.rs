//! Where records come from: the app, through a connection.

use std::{future::Future, time::Duration};

use bytes::Bytes;
use jiff::Timestamp;

/// A way to an app that adds the credential.
pub trait Source: Send + Sync {
    /// Asks for a path with its query.
    fn get(&self, path_and_query: &str) -> impl Future<Output = Result<Answer, Refused>> + Send;

    /// What asking for a path costs of the app's daily budget.
    fn cost(&self, path: &str) -> u64;

    /// What is known of today's budget before anything is asked: the whole, and what is left.
    fn budget(&self) -> impl Future<Output = Option<Budget>> + Send;
}

/// Today's budget of an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// The whole of a day.
    pub limit: u64,
    /// What is left of it.
    pub left: u64,
    /// The app said so today; otherwise it is what is known of the app in general.
    pub is_told: bool,
}

/// A page.
#[derive(Clone, Debug)]
pub struct Answer {
    /// As it came.
    pub body: Bytes,
    /// The app's clock.
    pub at: Option<Timestamp>,
    /// What it told of the day's budget.
    pub budget: Option<Budget>,
    /// What it told of its short limit.
    pub burst: Option<Burst>,
}

/// How much the app's short limit still allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Burst {
    /// Calls in all.
    pub limit: u64,
    /// Calls left.
    pub left: u64,
    /// Until all are there again.
    pub reset: Duration,
}

/// Why there is no page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Too many calls just now: worth trying again after this time.
    Later(Duration),
    /// The day's budget is used up.
    BudgetUsedUp,
    /// What the caller, a sync or an access token, may use of it is used up.
    ShareUsedUp,
    /// The caller's access token may not ask for it.
    OutOfReach {
        /// What happened.
        message: String,
        /// What to do.
        remedy: String,
    },
    /// The key is not accepted, or blocked.
    KeyRejected(String),
    /// This user may not read it, or the company does not have it.
    NotHere {
        /// HTTP status.
        status: u16,
        /// What the app said.
        message: String,
    },
    /// The app does not understand what was asked, such as an old cursor.
    NotUnderstood(String),
    /// The page is larger than can be worked on: ask for fewer records.
    TooLarge,
    /// The app or the way to it fails at the moment.
    Broken(String),
    /// Keyhaven itself refuses: nothing will change that but what the message says.
    Forbidden {
        /// What happened.
        message: String,
        /// What to do.
        remedy: String,
    },
}

impl Refused {
    /// It went out, and cost something. The others went no further than Keyhaven.
    pub(crate) fn is_the_apps(&self) -> bool {
        !matches!(self, Self::Later(_) | Self::ShareUsedUp | Self::Forbidden { .. } | Self::OutOfReach { .. })
    }
}
