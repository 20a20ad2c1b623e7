//! Users, tokens and switches.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};

use crate::{limits::Usage, scenarios};

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

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    pub foreign: Foreign,
    pub latency_ms: u64,
    /// Requests of one token in two seconds; 0 for no limit.
    pub burst_limit: u32,
    /// Tokens that a company may spend in a day; 0 for no limit.
    pub daily_budget: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { foreign: Foreign::Refuse, latency_ms: 0, burst_limit: 100, daily_budget: 0 }
    }
}

/// One request that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Asked {
    /// The method.
    pub method: String,
    /// The host, without port.
    pub host: String,
    /// The path, without query.
    pub path: String,
    /// Where the key stood: `header`, `query`, `bearer` or `none`.
    pub key_in: &'static str,
}

#[derive(Default)]
pub(crate) struct World {
    pub settings: Settings,
    pub tokens: BTreeMap<String, Token>,
    pub spent: BTreeMap<u64, u64>,
    pub asked: VecDeque<Asked>,
}

const REMEMBERED: usize = 10_000;

impl World {
    pub(crate) fn fresh() -> Self {
        Self { tokens: scenarios::tokens().collect(), ..Self::default() }
    }

    pub(crate) fn note(&mut self, asked: Asked) {
        if self.asked.len() == REMEMBERED {
            self.asked.pop_front();
        }
        self.asked.push_back(asked);
    }
}

/// The switches, shared by all connections.
#[derive(Clone)]
pub struct State(Arc<Mutex<World>>);

impl Default for State {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(World::fresh())))
    }
}

impl State {
    pub(crate) fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes or changes a token.
    pub fn set_token(&self, key: &str, settings: TokenSettings) {
        let mut world = self.lock();
        let token = world.tokens.entry(key.to_owned()).or_insert_with(|| Token::new(1, Mode::Ok));
        token.user = settings.user.unwrap_or(token.user);
        token.mode = settings.mode.unwrap_or(token.mode);
        token.latency_ms = settings.latency_ms.unwrap_or(token.latency_ms);
        token.foreign = settings.foreign.or(token.foreign);
    }

    /// Changes how a token is answered.
    pub fn set_mode(&self, key: &str, mode: Mode) {
        self.set_token(key, TokenSettings { mode: Some(mode), ..TokenSettings::default() });
    }

    /// What was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.lock().asked.iter().cloned().collect()
    }

    /// Everything as at the start.
    pub fn reset(&self) {
        *self.lock() = World::fresh();
    }
}
