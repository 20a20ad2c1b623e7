//! Who goes now, and who waits for how long.

use std::{collections::HashMap, time::Duration};

use keyhaven_connectors::Limits;
use tokio::sync::oneshot;

use super::{Held, MAX_WAIT, day::Day, window::Window};

/// Calls that wait at the same time; more are refused at once.
const MAX_WAITING: usize = 256;

/// What a day allows at least; 0: nobody knows.
pub(super) fn per_day(limits: &Limits) -> u64 {
    limits.budget.as_ref().map_or(0, |budget| budget.per_day)
}

/// Everything about a connection that changes from call to call.
pub(super) struct State {
    pub window: Window,
    narrow: Vec<Window>,
    /// Calls within the window, as far as is known.
    pub limit: u32,
    pub paused_until: Duration,
    /// The end of the latest pause after a refusal; other pauses may end later.
    pub refused_until: Duration,
    pub strikes: u32,
    waiting: Vec<Waiting>,
    pub pumping: bool,
    /// Start-time fair queueing: who has waited with few calls goes before who has waited with many.
    turn: u64,
    last_turns: HashMap<String, u64>,
    pub budget: Day,
}

struct Waiting {
    caller: String,
    turn: u64,
    narrow: Option<usize>,
    go: oneshot::Sender<()>,
}

impl State {
    pub(super) fn new(limits: &Limits) -> Self {
        let length = Duration::from_secs(limits.window);
        Self {
            window: Window::new(length),
            narrow: limits.narrow.iter().map(|_| Window::new(length)).collect(),
            limit: limits.calls,
            paused_until: Duration::ZERO,
            refused_until: Duration::ZERO,
            strikes: 0,
            waiting: Vec::new(),
            pumping: false,
            turn: 0,
            last_turns: HashMap::new(),
            budget: Day::new(per_day(limits)),
        }
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Goes, if there is room now.
    pub(super) fn go(&mut self, at: Duration, narrow: Option<usize>, limits: &Limits) -> bool {
        let room = at >= self.paused_until
            && self.window.has_room(at, self.limit)
            && narrow.is_none_or(|n| self.narrow[n].has_room(at, limits.narrow[n].calls));
        if room {
            self.window.take();
            if let Some(n) = narrow {
                self.narrow[n].take();
            }
        }
        room
    }

    /// How long until there may be room.
    pub(super) fn wait(&mut self, at: Duration, narrow: Option<usize>, limits: &Limits) -> Duration {
        let window = self.window.wait(at, self.limit);
        let narrow = narrow.map_or(Duration::ZERO, |n| self.narrow[n].wait(at, limits.narrow[n].calls));
        self.paused_until.saturating_sub(at).max(window).max(narrow)
    }

    /// A place among those who wait, if it will not be for long.
    pub(super) fn queue(
        &mut self,
        caller: &str,
        at: Duration,
        narrow: Option<usize>,
        limits: &Limits,
    ) -> Result<oneshot::Receiver<()>, Held> {
        let first = self.wait(at, narrow, limits);
        if at < self.paused_until && first > MAX_WAIT {
            return Err(Held::Paused(first));
        }
        let calls = narrow.map_or(self.limit, |n| self.limit.min(limits.narrow[n].calls)).max(1);
        let whole_windows = self.waiting.len() as u32 / calls;
        let expected = first + Duration::from_secs(limits.window) * whole_windows;
        let is_full = self.waiting.len() >= MAX_WAITING || expected > MAX_WAIT;
        if is_full && (first > MAX_WAIT || !self.make_room(caller)) {
            return Err(Held::Busy(expected));
        }
        let last = self.last_turns.entry(caller.into()).or_default();
        *last = (*last).max(self.turn) + 1;
        let (go, turn) = oneshot::channel();
        self.waiting.push(Waiting { caller: caller.into(), turn: *last, narrow, go });
        Ok(turn)
    }

    /// The last call of whoever waits with most is refused, for one who waits with fewer. Not for one fewer: the two
    /// would push each other out in turn.
    fn make_room(&mut self, caller: &str) -> bool {
        self.waiting.retain(|one| !one.go.is_closed());
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for one in &self.waiting {
            *counts.entry(&one.caller).or_default() += 1;
        }
        let own = counts.get(caller).copied().unwrap_or(0);
        let by_count = |one: &Waiting| counts.get(one.caller.as_str()).copied().unwrap_or(0);
        let last = (0..self.waiting.len())
            .max_by_key(|n| (by_count(&self.waiting[*n]), self.waiting[*n].turn))
            .filter(|n| own + 1 < by_count(&self.waiting[*n]));
        if let Some(last) = last {
            self.waiting.remove(last);
        }
        last.is_some()
    }

    /// Lets those go for whom there is room, in their turn. Tells whether nobody waits any more.
    pub(super) fn release(&mut self, at: Duration, limits: &Limits) -> bool {
        self.waiting.retain(|one| !one.go.is_closed());
        loop {
            let mut order: Vec<usize> = (0..self.waiting.len()).collect();
            order.sort_by_key(|n| self.waiting[*n].turn);
            let next = order.into_iter().find(|n| {
                let narrow = self.waiting[*n].narrow;
                self.go(at, narrow, limits)
            });
            let Some(next) = next else { break };
            let one = self.waiting.remove(next);
            self.turn = self.turn.max(one.turn);
            let _ = one.go.send(());
        }
        if self.waiting.is_empty() {
            self.last_turns.clear();
        }
        self.waiting.is_empty()
    }
}
