//! What a run may use of the app's daily budget.

use crate::source::Budget;

/// What is left for a run. Others use the same budget.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowance {
    /// The share of what is left that may be used.
    share: f64,
    /// What was left when the run began, once that is known.
    left: Option<u64>,
    is_told: bool,
    /// What went into looking how much there is.
    looked: u64,
    spent: u64,
    /// Part of `spent` that went into looking for what is gone.
    swept: u64,
}

/// Looking for what is gone gets a quarter, so that it never stands in the way of what is new.
const SWEEPS: f64 = 0.25;

impl Allowance {
    /// `looked`: what was spent before, and counts too.
    pub(crate) fn new(share: f64, budget: Option<Budget>, looked: u64) -> Self {
        let is_told = budget.is_some_and(|it| it.is_told);
        let left = budget.map(|it| it.left.saturating_add(looked));
        Self { share, left, is_told, looked, spent: looked, swept: 0 }
    }

    /// May it be spent?
    pub(crate) fn permits(&self, cost: u64, is_sweep: bool) -> bool {
        // What is only assumed may be wrong: the first answer tells.
        let Some(left) = self.left.filter(|_| self.is_told || self.spent > 0) else { return true };
        let whole = left as f64 * self.share;
        let within = |spent: u64, of: f64| (spent + cost) as f64 <= of;
        within(self.spent, whole) && (!is_sweep || within(self.swept, whole * SWEEPS))
    }

    /// Has nothing been spent of it?
    pub(crate) fn is_untouched(&self) -> bool {
        self.spent == self.looked
    }

    /// It was spent; the app may have told what is left now.
    pub(crate) fn spend(&mut self, cost: u64, is_sweep: bool, told: Option<Budget>) {
        self.spent += cost;
        if is_sweep {
            self.swept += cost;
        }
        if let Some(told) = told {
            let at_the_beginning = told.left.saturating_add(self.spent);
            // Others spend too; what they took is not ours to use.
            let known = self.left.filter(|_| self.is_told);
            self.left = Some(known.map_or(at_the_beginning, |left| left.min(at_the_beginning)));
            self.is_told = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_what_is_left_and_no_more() {
        let mut allowance = Allowance::new(0.5, None, 0);
        assert!(allowance.permits(10_000, false), "nothing is known yet");
        let assumed = Allowance::new(0.5, Some(Budget { limit: 9, left: 0, is_told: false }), 0);
        assert!(assumed.permits(10, false), "the app has not said so");
        let looked = Allowance::new(0.5, Some(Budget { limit: 1000, left: 90, is_told: true }), 10);
        assert!(looked.permits(40, false) && !looked.permits(41, false), "looking counts too");
        allowance.spend(10, false, Some(Budget { limit: 1000, left: 90, is_told: true }));
        assert!(allowance.permits(40, false) && !allowance.permits(41, false));
        assert!(allowance.permits(12, true) && !allowance.permits(13, true), "a quarter for sweeps");
        allowance.spend(20, false, Some(Budget { limit: 1000, left: 10, is_told: true }));
        assert!(!allowance.permits(1, false), "others took the rest");
    }
}
