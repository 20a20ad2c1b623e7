//! The burst windows of a token, what happens to those who do not heed them, and a company's budget of a day.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

const WINDOW: Duration = Duration::from_secs(2);
/// After so many ignored 429s the edge blocks the token.
const PATIENCE: u32 = 20;

/// What a token has used lately. Searches have a window of their own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Usage {
    requests: VecDeque<Instant>,
    searches: VecDeque<Instant>,
    ignored: u32,
}

/// What is left of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    /// 0 when there is no limit.
    pub limit: u32,
    pub remaining: u32,
    /// Seconds until the oldest request no longer counts.
    pub reset: u64,
}

/// May this request be answered?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ruling {
    Granted(Room),
    Burst(Room),
    Blocked,
}

impl Usage {
    pub(crate) fn rule(&mut self, search: bool, limit: u32, now: Instant) -> Ruling {
        let window = if search { &mut self.searches } else { &mut self.requests };
        while window.front().is_some_and(|at| now.duration_since(*at) >= WINDOW) {
            window.pop_front();
        }
        if window.is_empty() {
            self.ignored = 0;
        }
        let granted = limit == 0 || window.len() < limit as usize;
        if granted && limit > 0 {
            window.push_back(now);
        }
        let oldest = window.front().map_or(Duration::ZERO, |at| now.duration_since(*at));
        let room = Room {
            limit,
            remaining: limit.saturating_sub(window.len() as u32),
            reset: WINDOW.saturating_sub(oldest).as_secs_f64().ceil() as u64,
        };
        if granted {
            return Ruling::Granted(room);
        }
        self.ignored += 1;
        if self.ignored > PATIENCE { Ruling::Blocked } else { Ruling::Burst(room) }
    }
}

/// What a company has spent on one day.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spent {
    day: u64,
    tokens: u64,
}

impl Spent {
    /// Spends, and tells what is left; `None` when it was not enough. A budget of 0 has no limit.
    pub(crate) fn spend(&mut self, cost: u64, budget: u64, day: u64) -> Option<u64> {
        if self.day != day {
            *self = Self { day, tokens: 0 };
        }
        if budget > 0 && self.tokens + cost > budget {
            return None;
        }
        self.tokens += cost;
        Some(budget.saturating_sub(self.tokens))
    }

    pub(crate) fn tokens(&self) -> u64 {
        self.tokens
    }
}
