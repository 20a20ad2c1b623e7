//! The app's budget of today: how much is used, by whom, and how long it lasts.

use keyhaven_core::{
    audit::who,
    usage::{Budget, Counted},
};

use super::{
    charts,
    usage::{grouped, number},
    view::Time,
};

#[derive(Default)]
pub(super) struct Meter {
    pub headline: String,
    /// Empty where the app has not told its budget.
    pub svg: String,
    /// What it means for the rest of the day.
    pub outlook: String,
    /// It runs out today, or has run out.
    pub is_short: bool,
    pub users: Vec<User>,
    /// Where the figures come from.
    pub source: &'static str,
}

/// Somebody who used a part of it.
pub(super) struct User {
    pub class: String,
    pub name: String,
    pub used: String,
}

impl Meter {
    pub(super) fn new(it: &Budget, now: i64) -> Self {
        let mut parts: Vec<(String, i64)> = it
            .by_token
            .iter()
            .filter(|part| part.counts.cost > 0)
            .map(|part| (who(&part.token, part.name.as_deref()), part.counts.cost))
            .collect();
        if it.elsewhere > 0 {
            parts.push(("not through Keyhaven".into(), it.elsewhere));
        }
        let headline = match it.limit {
            Some(limit) => format!("{} of {} used today", grouped(it.used), grouped(limit)),
            None => format!("{} used today", grouped(it.used)),
        };
        let costs: Vec<i64> = parts.iter().map(|(_, cost)| *cost).collect();
        let user = |(n, (name, cost)): (usize, (String, i64))| User {
            class: format!("p{}", n % charts::SHADES),
            name,
            used: number(cost, "token"),
        };
        let (outlook, is_short) = outlook(it, now);
        Self {
            svg: it.limit.map_or_else(String::new, |limit| charts::meter(&headline, limit, &costs)),
            users: parts.into_iter().enumerate().map(user).collect(),
            source: match (it.source, it.limit) {
                (Counted::ByApp, _) => "As the app says.",
                (Counted::Here, Some(_)) => {
                    "Counted by Keyhaven; the app has not said yet what is left today."
                }
                (Counted::Here, None) => "Counted by Keyhaven; the app has not told its budget yet.",
            },
            headline,
            outlook,
            is_short,
        }
    }
}

fn outlook(it: &Budget, now: i64) -> (String, bool) {
    let clock = |at| Time::new(at, now).exact;
    match (it.limit, it.runs_out_at) {
        (None, _) => (String::new(), false),
        (Some(limit), _) if it.used >= limit => ("It is used up for today.".into(), true),
        (Some(_), Some(at)) => (format!("At this pace it runs out at {}.", clock(at)), true),
        (Some(_), None) if it.used > 0 => ("At this pace it lasts for the whole day.".into(), false),
        (Some(_), None) => (String::new(), false),
    }
}

#[cfg(test)]
mod tests {
    use keyhaven_core::usage::{TokenUsage, UsageCounts};

    use super::*;

    #[test]
    fn the_meter_says_how_long_it_lasts_and_who_used_it() {
        let counts = UsageCounts { cost: 600, ..UsageCounts::default() };
        let budget = Budget {
            limit: Some(10_000),
            used: 700,
            source: Counted::ByApp,
            by_token: vec![TokenUsage { token: "tk_1".into(), name: Some("nightly".into()), counts }],
            elsewhere: 100,
            runs_out_at: Some(1_795_534_680_000),
            resets_at: 1_795_564_800_000,
        };
        let meter = Meter::new(&budget, 1_795_530_000_000);
        assert_eq!(meter.headline, "700 of 10\u{202f}000 used today");
        assert_eq!(meter.outlook, "At this pace it runs out at 24 Nov 2026, 15:38 UTC.");
        let users: Vec<_> = meter.users.iter().map(|user| (user.name.as_str(), user.used.as_str())).collect();
        assert_eq!(users, [("nightly", "600 tokens"), ("not through Keyhaven", "100 tokens")]);
        let spent = Meter::new(&Budget { used: 10_000, runs_out_at: Some(0), ..budget.clone() }, 0);
        assert!(spent.is_short && spent.outlook == "It is used up for today.");
        let untold = Meter::new(&Budget { limit: None, runs_out_at: None, ..budget }, 0);
        assert!(untold.svg.is_empty() && untold.outlook.is_empty());
    }
}
