//! The app's budget of today: how much is used, by whom, and how long it lasts.

use keyhaven_core::{
    audit::who,
    usage::{Budget, Counted, TokenUsage},
};

use super::{charts, view::Time};
use crate::words::grouped;

#[derive(Default)]
pub(super) struct Meter {
    pub headline: String,
    /// Empty where the budget is not known.
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
    pub class: &'static str,
    pub name: String,
    used: i64,
}

/// The greatest are told apart by colour; where there are more, the last one stands for all the others.
const SHADES: [&str; 6] = ["p0", "p1", "p2", "p3", "p4", "p5"];

impl User {
    pub(super) fn words(&self) -> String {
        grouped(self.used)
    }
}

impl Meter {
    pub(super) fn new(it: &Budget, now: i64) -> Self {
        let mut users = users(&it.by_token);
        if it.elsewhere > 0 {
            users.push(User { class: "else", name: "not through Keyhaven".into(), used: it.elsewhere });
        }
        let headline = match it.limit {
            Some(limit) if it.is_told => format!("{} of {} used today", grouped(it.used), grouped(limit)),
            Some(limit) => format!("{} of at least {} used today", grouped(it.used), grouped(limit)),
            None => format!("{} used today", grouped(it.used)),
        };
        let parts: Vec<_> = users.iter().map(|user| (user.class, user.used)).collect();
        let (outlook, is_short) = outlook(it, now);
        Self {
            svg: it.limit.map_or_else(String::new, |limit| charts::meter(&headline, limit, &parts)),
            users,
            source: match (it.source, it.limit) {
                (Counted::ByApp, _) => "As the app says.",
                (Counted::Here, Some(_)) if it.is_told => {
                    "Counted by Keyhaven; the app has not said yet what is left today."
                }
                (Counted::Here, Some(_)) => {
                    "Counted by Keyhaven; the app has not told its budget yet, and the least that anybody has is assumed."
                }
                (Counted::Here, None) => "Counted by Keyhaven; how much the app allows is not known.",
            },
            headline,
            outlook,
            is_short,
        }
    }
}

fn users(all: &[TokenUsage]) -> Vec<User> {
    let costly: Vec<_> = all.iter().filter(|part| part.counts.cost > 0).collect();
    let named = if costly.len() > SHADES.len() { SHADES.len() - 1 } else { costly.len() };
    let (named, others) = costly.split_at(named);
    let mut users: Vec<User> = named
        .iter()
        .zip(SHADES)
        .map(|(part, class)| User {
            class,
            name: who(&part.token, part.name.as_deref()),
            used: part.counts.cost,
        })
        .collect();
    if !others.is_empty() {
        let used = others.iter().map(|part| part.counts.cost).sum();
        users.push(User { class: SHADES[named.len()], name: format!("{} others", others.len()), used });
    }
    users
}

fn outlook(it: &Budget, now: i64) -> (String, bool) {
    let clock = |at| Time::new(at, now).exact;
    if let Some(until) = it.stopped_until {
        let text = format!(
            "The app said that today's requests are used up. None goes out until {}, or until a verification finds that it \
             takes some again.",
            clock(until)
        );
        return (text, true);
    }
    match (it.limit, it.runs_out_at) {
        (None, _) => (String::new(), false),
        (Some(limit), _) if !it.is_told && it.used >= limit => {
            ("The least is used up; there may be more.".into(), false)
        }
        (Some(_), Some(at)) if !it.is_told => {
            (format!("At the pace of the last hour it lasts at least until {}.", clock(at)), false)
        }
        (Some(limit), _) if it.used >= limit => ("It is used up for today.".into(), true),
        (Some(_), Some(at)) => (format!("At the pace of the last hour it runs out at {}.", clock(at)), true),
        (Some(_), None) if it.last_hour > 0 => {
            ("At the pace of the last hour it lasts for the whole day.".into(), false)
        }
        (Some(_), None) => (String::new(), false),
    }
}

#[cfg(test)]
mod tests {
    use keyhaven_core::usage::UsageCounts;

    use super::*;

    #[test]
    fn the_meter_says_how_long_it_lasts_and_who_used_it() {
        let counts = UsageCounts { cost: 600, ..UsageCounts::default() };
        let budget = Budget {
            limit: Some(10_000),
            is_told: true,
            used: 700,
            source: Counted::ByApp,
            by_token: vec![TokenUsage { token: "tk_1".into(), name: Some("nightly".into()), counts }],
            elsewhere: 100,
            last_hour: 700,
            runs_out_at: Some(1_795_534_680_000),
            stopped_until: None,
            resets_at: 1_795_564_800_000,
        };
        let meter = Meter::new(&budget, 1_795_530_000_000);
        assert_eq!(meter.headline, "700 of 10,000 used today");
        assert_eq!(meter.outlook, "At the pace of the last hour it runs out at 24 Nov 2026, 15:38 UTC.");
        let users: Vec<_> =
            meter.users.iter().map(|user| (user.class, user.name.as_str(), user.words())).collect();
        assert_eq!(users, [("p0", "nightly", "600".into()), ("else", "not through Keyhaven", "100".into())]);

        // Each has a colour of its own; who has none is among the others.
        let six = Budget { by_token: vec![budget.by_token[0].clone(); 6], ..budget.clone() };
        let users = Meter::new(&six, 0).users;
        assert_eq!((users.len(), users[5].class, users[5].name.as_str()), (7, "p5", "nightly"));
        let eight = Budget { by_token: vec![budget.by_token[0].clone(); 8], ..budget.clone() };
        let users = Meter::new(&eight, 0).users;
        assert_eq!((users[5].name.as_str(), users[5].words()), ("3 others", "1,800".into()));
        assert_eq!(users[6].class, "else");

        let spent = Meter::new(&Budget { used: 10_000, runs_out_at: Some(0), ..budget.clone() }, 0);
        assert!(spent.is_short && spent.outlook == "It is used up for today.");
        let stopped = Meter::new(&Budget { stopped_until: Some(1_795_534_680_000), ..budget.clone() }, 0);
        assert!(
            stopped.is_short && stopped.outlook.contains("until 24 Nov 2026, 15:38 UTC"),
            "{}",
            stopped.outlook
        );
        let idle = Meter::new(&Budget { last_hour: 0, runs_out_at: None, ..budget.clone() }, 0);
        assert!(!idle.svg.is_empty() && idle.outlook.is_empty());
        let assumed = Budget { is_told: false, source: Counted::Here, ..budget.clone() };
        let least = Meter::new(&assumed, 0);
        assert_eq!(least.headline, "700 of at least 10,000 used today");
        assert!(!least.svg.is_empty() && least.source.contains("assumed") && !least.is_short);
        assert!(least.outlook.contains("at least until"), "{}", least.outlook);
        let beyond = Meter::new(&Budget { used: 10_000, ..assumed }, 0);
        assert_eq!(beyond.outlook, "The least is used up; there may be more.");
        let untold = Meter::new(&Budget { limit: None, runs_out_at: None, ..budget }, 0);
        assert!(untold.svg.is_empty() && untold.outlook.is_empty());
    }
}
