//! Keeps all callers of one connection together within what its app allows.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use http::HeaderMap;
use keyhaven_connectors::{Limits, Reason, Told};
use tokio::{sync::oneshot, time::Instant};

use super::window::Window;
use crate::ctx::Millis;

/// Calls that wait at the same time; more are refused at once.
const MAX_WAITING: usize = 256;
/// The longest wait; whoever would wait longer is told when to come back.
const MAX_WAIT: Duration = Duration::from_secs(5);
/// The longest pause after answers of “too many”.
const MAX_PAUSE: Duration = Duration::from_secs(60);
const DAY: Millis = 24 * 60 * 60 * 1000;

/// Why a call may not go out now, and when it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// Too many callers at once.
    Busy(Duration),
    /// The app said that it is too much.
    Paused(Duration),
    /// The app's daily budget is used up.
    Exhausted(Duration),
    /// This token's share of it is.
    Share(Duration),
}

/// One call that asks to go out.
pub(super) struct Call<'a> {
    /// The token's id.
    pub caller: &'a str,
    /// Percent of the daily budget that it may use.
    pub share: Option<u8>,
    /// Its path, percent-decoded.
    pub path: &'a str,
    /// What it costs of the daily budget.
    pub cost: u32,
}

/// One for each connection.
pub(crate) struct Governor {
    limits: Limits,
    origin: Instant,
    /// Asked on every call, so that the lock need not be taken.
    angry: AtomicBool,
    state: Mutex<State>,
}

struct State {
    window: Window,
    narrow: Vec<Window>,
    /// Calls within the window, as far as is known.
    limit: u32,
    paused_until: Duration,
    strikes: u32,
    waiting: Vec<Waiting>,
    pumping: bool,
    /// Start-time fair queueing: who has waited with few calls goes before who has waited with many.
    turn: u64,
    last_turns: HashMap<String, u64>,
    budget: Day,
}

struct Waiting {
    turn: u64,
    narrow: Option<usize>,
    go: oneshot::Sender<()>,
}

/// The daily budget.
#[derive(Default)]
struct Day {
    number: i64,
    by_caller: HashMap<String, u64>,
    limit: u64,
    exhausted_until: Millis,
}

impl Governor {
    pub(crate) fn new(limits: Limits) -> Self {
        let length = Duration::from_secs(limits.window);
        let state = State {
            window: Window::new(length),
            narrow: limits.narrow.iter().map(|_| Window::new(length)).collect(),
            limit: limits.calls,
            paused_until: Duration::ZERO,
            strikes: 0,
            waiting: Vec::new(),
            pumping: false,
            turn: 0,
            last_turns: HashMap::new(),
            budget: Day {
                limit: limits.budget.as_ref().map_or(0, |budget| budget.per_day),
                ..Day::default()
            },
        };
        Self { limits, origin: Instant::now(), angry: AtomicBool::new(false), state: Mutex::new(state) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for its turn, for a short time at most.
    pub(super) async fn admit(self: &Arc<Self>, call: &Call<'_>, now: Millis) -> Result<(), Held> {
        let narrow = self.limits.narrow(call.path);
        let turn = {
            let mut state = self.lock();
            state.spend(call, now)?;
            let at = self.origin.elapsed();
            if state.waiting.is_empty() && state.go(at, narrow, &self.limits) {
                return Ok(());
            }
            let queued = state.queue(call.caller, at, narrow, &self.limits);
            if queued.is_ok() && !std::mem::replace(&mut state.pumping, true) {
                tokio::spawn(self.clone().pump());
            }
            queued.inspect_err(|_| state.budget.give_back(call))?
        };
        match tokio::time::timeout(MAX_WAIT, turn).await {
            Ok(Ok(())) => Ok(()),
            _ => {
                self.lock().budget.give_back(call);
                Err(Held::Busy(Duration::from_secs(self.limits.window)))
            }
        }
    }

    /// Lets those who wait go, one by one, until nobody waits.
    async fn pump(self: Arc<Self>) {
        loop {
            let pause = {
                let mut state = self.lock();
                let at = self.origin.elapsed();
                state.release(at, &self.limits);
                if state.waiting.is_empty() {
                    state.pumping = false;
                    state.last_turns.clear();
                    return;
                }
                state
                    .wait(at, None, &self.limits)
                    .max(Duration::from_millis(5))
                    .min(Duration::from_millis(250))
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Counts requests that go out by another way.
    pub(super) fn note(&self, requests: u32) {
        let mut state = self.lock();
        state.window.has_room(self.origin.elapsed(), u32::MAX);
        (0..requests).for_each(|_| state.window.take());
    }

    /// What was spent today before this process began; nothing that it knows itself becomes less.
    pub(super) fn remember(&self, now: Millis, spent: impl Iterator<Item = (String, i64)>) {
        let mut state = self.lock();
        state.budget.begin(now);
        for (caller, cost) in spent {
            let used = state.budget.by_caller.entry(caller).or_default();
            *used = (*used).max(u64::try_from(cost).unwrap_or(0));
        }
    }

    /// Heeds what an answer tells of limits. Tells the day's budget, where the answer does.
    pub(super) fn heard(&self, headers: &HeaderMap) -> Option<(u64, u64)> {
        let burst = self.limits.headers.read(headers);
        let day = self.limits.budget.as_ref().map(|budget| budget.headers.read(headers)).unwrap_or_default();
        if burst == Told::default() && day == Told::default() {
            return None;
        }
        let mut state = self.lock();
        if let Some(limit) =
            burst.limit.and_then(|limit| u32::try_from(limit).ok()).filter(|limit| *limit > 0)
        {
            state.limit = limit;
        }
        // Others use the same key, outside of Keyhaven.
        let (at, limit) = (self.origin.elapsed(), state.limit);
        if burst.remaining == Some(0) && state.window.has_room(at, limit) {
            let reset = Duration::from_secs(burst.reset.unwrap_or(1).min(2 * self.limits.window));
            state.paused_until = state.paused_until.max(at + reset);
        }
        if let Some(limit) = day.limit.filter(|limit| *limit > 0) {
            state.budget.limit = limit;
        }
        Some((day.limit?, day.remaining?))
    }

    /// The app took a call: it is not angry any more.
    pub(super) fn accepted(&self) {
        if self.angry.swap(false, Ordering::AcqRel) {
            self.lock().strikes = 0;
        }
    }

    /// The app said “too many”, in one of its ways; tells how long nobody goes out.
    pub(super) fn refused(&self, reason: Reason, wait: Option<Duration>, now: Millis) -> Duration {
        let window = Duration::from_secs(self.limits.window);
        let mut state = self.lock();
        match reason {
            Reason::BudgetExhausted => {
                let wait = wait.unwrap_or(Duration::from_secs(3600));
                state.budget.exhausted_until = now + wait.as_millis() as Millis;
                wait
            }
            Reason::Blocked => self.pause(&mut state, MAX_PAUSE),
            _ => {
                let grown = window * 2u32.pow(state.strikes.min(5));
                state.strikes += 1;
                self.angry.store(true, Ordering::Release);
                self.pause(&mut state, wait.unwrap_or(window).max(grown).min(MAX_PAUSE))
            }
        }
    }

    fn pause(&self, state: &mut State, wait: Duration) -> Duration {
        state.paused_until = state.paused_until.max(self.origin.elapsed() + wait);
        wait
    }

    #[cfg(test)]
    fn waiting(&self) -> usize {
        self.lock().waiting.len()
    }
}

impl State {
    /// Takes the cost from the day's budget, if it is there.
    fn spend(&mut self, call: &Call<'_>, now: Millis) -> Result<(), Held> {
        let until_midnight = Duration::from_millis((DAY - now.rem_euclid(DAY)) as u64);
        let day = &mut self.budget;
        day.begin(now);
        if day.exhausted_until > now {
            return Err(Held::Exhausted(Duration::from_millis((day.exhausted_until - now) as u64)));
        }
        let Some(used) = day.by_caller.get_mut(call.caller) else {
            day.by_caller.insert(call.caller.into(), 0);
            return self.spend(call, now);
        };
        if let Some(share) = call.share
            && day.limit > 0
            && *used + u64::from(call.cost) > day.limit * u64::from(share) / 100
        {
            return Err(Held::Share(until_midnight));
        }
        *used += u64::from(call.cost);
        Ok(())
    }

    /// Goes, if there is room now.
    fn go(&mut self, at: Duration, narrow: Option<usize>, limits: &Limits) -> bool {
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

    fn wait(&mut self, at: Duration, narrow: Option<usize>, limits: &Limits) -> Duration {
        let window = self.window.wait(at, self.limit);
        let narrow = narrow.map_or(Duration::ZERO, |n| self.narrow[n].wait(at, limits.narrow[n].calls));
        self.paused_until.saturating_sub(at).max(window).max(narrow)
    }

    fn queue(
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
        if self.waiting.len() >= MAX_WAITING || expected > MAX_WAIT {
            return Err(Held::Busy(expected));
        }
        let last = self.last_turns.entry(caller.into()).or_default();
        *last = (*last).max(self.turn) + 1;
        let (go, turn) = oneshot::channel();
        self.waiting.push(Waiting { turn: *last, narrow, go });
        Ok(turn)
    }

    fn release(&mut self, at: Duration, limits: &Limits) {
        self.waiting.retain(|one| !one.go.is_closed());
        loop {
            let mut order: Vec<usize> = (0..self.waiting.len()).collect();
            order.sort_by_key(|n| self.waiting[*n].turn);
            let next = order.into_iter().find(|n| {
                let narrow = self.waiting[*n].narrow;
                self.go(at, narrow, limits)
            });
            let Some(next) = next else { return };
            let one = self.waiting.remove(next);
            self.turn = self.turn.max(one.turn);
            let _ = one.go.send(());
        }
    }
}

impl Day {
    /// A new day begins with nothing spent.
    fn begin(&mut self, now: Millis) {
        let number = now.div_euclid(DAY);
        if self.number != number {
            *self = Self { number, limit: self.limit, ..Self::default() };
        }
    }

    fn give_back(&mut self, call: &Call<'_>) {
        if let Some(used) = self.by_caller.get_mut(call.caller) {
            *used = used.saturating_sub(u64::from(call.cost));
        }
    }
}

#[cfg(test)]
mod tests;
