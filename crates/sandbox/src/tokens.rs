//! Tokens and how each is answered.

use serde::{Deserialize, Serialize};

use crate::limits::Usage;

/// How requests with a token are answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// As Pipedrive does.
    #[default]
    Ok,
    /// 401, as for a token that nobody knows.
    Unauthorized,
    /// 403 in JSON.
    NoPermission,
    /// 402.
    NotOpen,
    /// 429 of the burst window.
    Burst,
    /// 429 of the daily budget.
    Daily,
    /// 403 in HTML, by the edge.
    Blocked,
    /// 503.
    Maintenance,
    /// 500.
    InternalError,
    /// 200 with a web page.
    Html,
    /// 200 with JSON that ends in the middle.
    Truncated,
    /// 200 with JSON of another shape.
    OtherShape,
    /// 302 to another host.
    Redirect,
    /// 200 with 5 MB.
    Huge,
    /// No answer for 20 seconds.
    Slow,
    /// The connection is closed without an answer.
    Close,
    /// Bytes that are no HTTP.
    Garbage,
}

/// What a company host does with a good token of another company. Which of both Pipedrive does is not documented.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Foreign {
    /// Answers for the token's own company.
    Honour,
    /// 401.
    #[default]
    Refuse,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Token {
    pub user: u64,
    pub mode: Mode,
    pub latency_ms: u64,
    pub foreign: Option<Foreign>,
    #[serde(skip)]
    pub usage: Usage,
}

impl Token {
    pub(crate) fn new(user: u64, mode: Mode) -> Self {
        Self { user, mode, latency_ms: 0, foreign: None, usage: Usage::default() }
    }
}

/// Switches of one token; what is absent stays as it is.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TokenSettings {
    /// The user it belongs to: 1 Ada, 2 Bob, 3 deactivated, 4 Grace of Globex.
    pub user: Option<u64>,
    /// How it is answered.
    pub mode: Option<Mode>,
    /// How long an answer takes.
    pub latency_ms: Option<u64>,
    /// What foreign hosts do with it.
    pub foreign: Option<Foreign>,
}
