//! Keeps all callers of one connection together within what its app allows.

mod day;
mod queue;
mod window;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use keyhaven_connectors::{Limits, Reason, Told};
use tokio::time::Instant;

use self::{
    day::Day,
    queue::{State, per_day},
};
use crate::{Millis, http1::Fields, usage};

/// The longest wait; whoever would wait longer is told when to come back.
const MAX_WAIT: Duration = Duration::from_secs(5);
/// The longest pause after answers of “too many”.
const MAX_PAUSE: Duration = Duration::from_secs(60);

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

/// A call may go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    /// When.
    pub at: Instant,
    /// How long it waited for that.
    pub waited: Duration,
}

impl Turn {
    /// Without anybody to wait for.
    pub(super) fn now() -> Self {
        Self { at: Instant::now(), waited: Duration::ZERO }
    }
}

/// One for each connection.
pub(crate) struct Governor {
    limits: Limits,
    origin: Instant,
    /// Asked on every call, so that the lock need not be taken.
    angry: AtomicBool,
    state: Mutex<State>,
}

/// What a call that waits has been charged, given back if it does not go out, also because its caller leaves.
struct Charge<'a> {
    governor: &'a Governor,
    call: &'a Call<'a>,
    is_due: bool,
}

impl Drop for Charge<'_> {
    fn drop(&mut self) {
        if self.is_due {
            self.governor.give_back(self.call);
        }
    }
}

impl Governor {
    pub(crate) fn new(limits: Limits) -> Self {
        let state = Mutex::new(State::new(&limits));
        Self { limits, origin: Instant::now(), angry: AtomicBool::new(false), state }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for its turn, for a short time at most.
    pub(super) async fn admit(self: &Arc<Self>, call: &Call<'_>, now: Millis) -> Result<Turn, Held> {
        let narrow = self.limits.narrow(call.path);
        let asked = Instant::now();
        let turn = {
            let mut state = self.lock();
            state.budget.spend(call, now)?;
            let at = asked.saturating_duration_since(self.origin);
            if state.waiting() == 0 && state.go(at, narrow, &self.limits) {
                return Ok(Turn { at: asked, waited: Duration::ZERO });
            }
            let queued = state.queue(call.caller, at, narrow, &self.limits);
            if queued.is_ok() && !std::mem::replace(&mut state.pumping, true) {
                tokio::spawn(self.clone().pump());
            }
            queued.inspect_err(|_| state.budget.give_back(call))?
        };
        let mut charge = Charge { governor: self, call, is_due: true };
        match tokio::time::timeout(MAX_WAIT, turn).await {
            Ok(Ok(())) => {
                charge.is_due = false;
                let at = Instant::now();
                Ok(Turn { at, waited: at - asked })
            }
            _ => Err(Held::Busy(Duration::from_secs(self.limits.window))),
        }
    }

    /// A call that got no answer cost nothing, as far as is known.
    pub(super) fn give_back(&self, call: &Call<'_>) {
        self.lock().budget.give_back(call);
    }

    /// Lets those who wait go, one by one, until nobody waits.
    async fn pump(self: Arc<Self>) {
        loop {
            let pause = {
                let mut state = self.lock();
                let at = self.origin.elapsed();
                if state.release(at, &self.limits) {
                    state.pumping = false;
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

    /// The day's limit as it was told last, until when nothing goes out, and what was spent today before this process began; nothing that it knows
    /// itself becomes less.
    pub(super) fn remember(
        &self,
        now: Millis,
        told: Option<u64>,
        stopped_until: Option<Millis>,
        spent: impl Iterator<Item = (String, i64)>,
    ) {
        let mut state = self.lock();
        state.budget.limit = told.filter(|limit| *limit > 0).unwrap_or(state.budget.limit);
        state.budget.stopped_until = stopped_until.unwrap_or_default();
        state.budget.remember(now, spent);
    }

    /// Nothing goes out until then; or it may again.
    pub(super) fn stop(&self, until: Option<Millis>) {
        self.lock().budget.stopped_until = until.unwrap_or_default();
    }

    /// The connection is another company's: its day begins anew.
    pub(super) fn begin_anew(&self) {
        self.lock().budget = Day::new(per_day(&self.limits));
    }

    /// Heeds what the answer to a call from then tells of limits. Tells the day's budget, where the answer does.
    pub(super) fn heard(&self, fields: &Fields, at: Millis) -> Option<usage::Told> {
        let burst = self.limits.headers.read(|name| fields.number(name));
        let day = self
            .limits
            .budget
            .as_ref()
            .map(|budget| budget.headers.read(|name| fields.number(name)))
            .unwrap_or_default();
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
        if burst.remaining == Some(0) {
            let (at, limit) = (self.origin.elapsed(), state.limit);
            let reset = Duration::from_secs(burst.reset.unwrap_or(1).min(2 * self.limits.window));
            if state.window.has_room(at, limit) {
                state.paused_until = state.paused_until.max(at + reset);
            }
        }
        if let Some(limit) = day.limit.filter(|limit| *limit > 0) {
            state.budget.limit = limit;
        }
        usage::Told::read(day, at)
    }

    /// The app took a call: it is not angry any more.
    pub(super) fn accepted(&self) {
        if self.angry.swap(false, Ordering::AcqRel) {
            self.lock().strikes = 0;
        }
    }

    /// The app said “too many” for a short time; tells how long nobody goes out.
    pub(super) fn refused(&self, reason: Reason, wait: Option<Duration>) -> Duration {
        let window = Duration::from_secs(self.limits.window);
        let mut state = self.lock();
        match reason {
            Reason::Blocked => self.pause(&mut state, MAX_PAUSE),
            _ => {
                // What went out before the pause began says nothing new. The headers of this very refusal may have
                // begun a pause already, which does not count.
                let is_again = self.origin.elapsed() >= state.refused_until;
                if is_again || state.strikes == 0 {
                    state.strikes += 1;
                }
                let grown = window * 2u32.pow((state.strikes - 1).min(5));
                self.angry.store(true, Ordering::Release);
                self.pause(&mut state, wait.unwrap_or(window).max(grown).min(MAX_PAUSE))
            }
        }
    }

    fn pause(&self, state: &mut State, wait: Duration) -> Duration {
        state.refused_until = state.refused_until.max(self.origin.elapsed() + wait);
        state.paused_until = state.paused_until.max(state.refused_until);
        wait
    }

    #[cfg(test)]
    fn waiting(&self) -> usize {
        self.lock().waiting()
    }
}

#[cfg(test)]
mod tests;
