//! The burst window of a token, and what happens to those who do not heed it.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

const WINDOW: Duration = Duration::from_secs(2);
/// After so many ignored 429s the edge blocks the token.
const PATIENCE: u32 = 20;

/// What a token has used lately.
#[derive(Clone, Debug, Default)]
pub(crate) struct Usage {
    recent: VecDeque<Instant>,
    ignored: u32,
}

/// May this request be answered?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ruling {
    Granted { remaining: u32 },
    Burst,
    Blocked,
}

impl Usage {
    pub(crate) fn rule(&mut self, limit: u32, now: Instant) -> Ruling {
        if limit == 0 {
            return Ruling::Granted { remaining: u32::MAX };
        }
        while self.recent.front().is_some_and(|at| now.duration_since(*at) >= WINDOW) {
            self.recent.pop_front();
        }
        if self.recent.is_empty() {
            self.ignored = 0;
        }
        if self.recent.len() < limit as usize {
            self.recent.push_back(now);
            return Ruling::Granted { remaining: limit - self.recent.len() as u32 };
        }
        self.ignored += 1;
        if self.ignored > PATIENCE { Ruling::Blocked } else { Ruling::Burst }
    }
}
