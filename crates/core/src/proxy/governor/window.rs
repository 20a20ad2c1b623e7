//! How many calls went out within the last seconds.

use std::time::Duration;

/// A window is counted in this many parts.
const PARTS: u64 = 10;
/// A call is counted for one part longer than the window at least: what leaves in time may arrive late.
const KEPT: usize = PARTS as usize + 2;

/// A rolling window that forgets in steps, and always late rather than early.
#[derive(Debug)]
pub(super) struct Window {
    part: Duration,
    /// The same in nanoseconds: half a millennium fits.
    part_nanos: u64,
    counts: [u32; KEPT],
    /// The part that is counted now.
    now: u64,
    sum: u32,
}

impl Window {
    pub(super) fn new(length: Duration) -> Self {
        let part = length / PARTS as u32;
        Self { part, part_nanos: (part.as_nanos() as u64).max(1), counts: [0; KEPT], now: 0, sum: 0 }
    }

    /// Forgets what is too old. `at` is the time since any fixed point.
    fn turn(&mut self, at: Duration) {
        let now = at.as_nanos() as u64 / self.part_nanos;
        for part in self.now + 1..=now.min(self.now + KEPT as u64) {
            let slot = &mut self.counts[(part % KEPT as u64) as usize];
            self.sum -= std::mem::take(slot);
        }
        self.now = self.now.max(now);
    }

    pub(super) fn has_room(&mut self, at: Duration, limit: u32) -> bool {
        self.turn(at);
        self.sum < limit
    }

    pub(super) fn take(&mut self) {
        self.counts[(self.now % KEPT as u64) as usize] += 1;
        self.sum += 1;
    }

    /// How long until there may be room.
    pub(super) fn wait(&mut self, at: Duration, limit: u32) -> Duration {
        if self.has_room(at, limit) {
            return Duration::ZERO;
        }
        let mut left = self.sum;
        for age in (0..KEPT as u64).rev() {
            let Some(part) = self.now.checked_sub(age) else { continue };
            left -= self.counts[(part % KEPT as u64) as usize];
            if left < limit {
                let free_at = self.part * (part + KEPT as u64) as u32;
                return free_at.saturating_sub(at).max(Duration::from_millis(1));
            }
        }
        self.part
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_more_than_the_limit_within_any_window() {
        let mut window = Window::new(Duration::from_secs(2));
        let mut sent: Vec<Duration> = Vec::new();
        for ms in (0..20_000).step_by(7) {
            let at = Duration::from_millis(ms);
            if window.has_room(at, 20) {
                assert_eq!(window.wait(at, 20), Duration::ZERO);
                window.take();
                sent.push(at);
            } else {
                let wait = window.wait(at, 20);
                assert!(window.has_room(at + wait, 20), "{at:?} {wait:?}");
                window = Window::new(Duration::from_secs(2));
                for one in &sent {
                    window.has_room(*one, u32::MAX);
                    window.take();
                }
                window.has_room(at, 20);
            }
        }
        for (n, first) in sent.iter().enumerate() {
            let within =
                sent[n..].iter().take_while(|at| **at - *first <= Duration::from_millis(2200)).count();
            assert!(within <= 20, "{within} from {first:?}");
        }
        assert!(sent.len() >= 160, "{}", sent.len());
    }
}
