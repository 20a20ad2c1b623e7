//! The section “Use” of a connection's page: what goes through it, what it costs, and how to begin.

use std::collections::BTreeMap;

use keyhaven_core::{
    Connection, Ctx, Error,
    audit::who,
    usage::{self, Bucket, Overview, RecentCall, Summary, Window},
};

use super::{
    charts::{self, Bar, Frame},
    meter::Meter,
    snippets::{self, Snippet},
    view::Time,
};
use crate::{
    server::AppState,
    words::{count, grouped, took},
};

/// As many as fit a glance.
const RECENT: u32 = 15;

/// What of it is asked for in the address.
#[derive(Default)]
pub(super) struct Asked {
    window: Window,
    cursor: Option<String>,
}

impl Asked {
    /// An unknown word asks for what everybody gets.
    pub(super) fn new(params: &BTreeMap<String, String>) -> Self {
        Self {
            window: params.get("window").and_then(|word| Window::parse(word)).unwrap_or_default(),
            cursor: params.get("calls").cloned(),
        }
    }
}

pub(super) struct Use {
    /// Nothing went through it yet.
    pub first: bool,
    pub window: &'static str,
    pub windows: Vec<(&'static str, &'static str)>,
    pub charts: Vec<Chart>,
    pub meter: Meter,
    pub calls: Vec<Past>,
    /// Cursor of older calls.
    pub older: Option<String>,
    /// Older calls are shown.
    pub is_older: bool,
    /// What a program takes for the app's address.
    pub base: String,
    pub snippets: Vec<Snippet>,
}

/// One chart with its figure.
pub(super) struct Chart {
    pub name: &'static str,
    pub class: &'static str,
    /// What the lower parts of its bars come to, and the upper ones.
    pub figures: [String; 2],
    pub svg: String,
    pub from: &'static str,
}

/// One call.
pub(super) struct Past {
    pub at: Time,
    pub who: String,
    pub method: String,
    pub path: String,
    pub status: i64,
    pub is_error: bool,
    /// Keyhaven itself answered.
    pub is_ours: bool,
    /// How long the app took, and how long the call waited for its turn before.
    pub took: String,
}

impl Use {
    pub(super) async fn read(
        state: &AppState,
        ctx: &Ctx,
        it: &Connection,
        asked: &Asked,
    ) -> Result<Self, Error> {
        let overview = usage::overview(&state.app, ctx, &it.id, asked.window).await?;
        let page = usage::recent(&state.app, ctx, &it.id, RECENT, asked.cursor.as_deref()).await?;
        let base = format!("{}/proxy/{}", state.site.public_url, it.slug);
        let snippets = state.app.catalogue().get(&it.connector).map_or_else(Vec::new, |connector| {
            snippets::all(
                &format!("{base}{}", connector.in_use.example_path),
                &connector.token_header(&it.fields),
            )
        });
        Ok(Self { base, snippets, is_older: asked.cursor.is_some(), ..Self::new(&overview, page, ctx.now()) })
    }

    fn new(Overview { summary, budget }: &Overview, page: usage::CallPage, now: i64) -> Self {
        Self {
            first: summary.total.counts.calls == 0 && page.items.is_empty() && budget.by_token.is_empty(),
            window: summary.window.as_str(),
            windows: Window::ALL.into_iter().map(|window| (window.as_str(), last(window))).collect(),
            charts: charts(summary),
            meter: Meter::new(budget, now),
            calls: page.items.into_iter().map(|call| past(call, now)).collect(),
            older: page.next,
            is_older: false,
            base: String::new(),
            snippets: Vec::new(),
        }
    }
}

fn past(it: RecentCall, now: i64) -> Past {
    Past {
        at: Time::new(it.at, now),
        who: who(&it.token, it.token_name.as_deref()),
        method: it.method,
        path: it.path,
        is_error: it.status >= 400,
        status: it.status,
        is_ours: it.source == usage::Source::Keyhaven.as_str(),
        took: took(it.ms, it.waited_ms),
    }
}

fn last(window: Window) -> &'static str {
    match window {
        Window::Hour => "Last hour",
        Window::Day => "Last 24 hours",
        Window::Week => "Last 7 days",
    }
}

fn charts(summary: &Summary) -> Vec<Chart> {
    let from = match summary.window {
        Window::Hour => "1 h ago",
        Window::Day => "24 h ago",
        Window::Week => "7 days ago",
    };
    let chart = |id, name, figures: [String; 2], bar: &dyn Fn(&Bucket) -> Bar| {
        let bars: Vec<Bar> = summary.buckets.iter().map(bar).collect();
        let description = format!("{}: {}. {}", last(summary.window), joined(&figures), highest(&bars));
        let frame = Frame { id, class: id, title: name, description: &description };
        Chart { name, class: id, svg: charts::bars(&frame, &bars), figures, from }
    };
    let total = &summary.total;
    let counts = total.counts;
    vec![
        chart("calls", "Calls", [count(counts.calls, "call"), String::new()], &|it| Bar {
            parts: [it.counts.calls, 0],
            title: format!("{}: {}", at(it), count(it.counts.calls, "call")),
        }),
        chart("errors", "Errors", errors(&counts), &|it| Bar {
            parts: [it.counts.errors, it.counts.refused],
            title: format!("{}: {}", at(it), joined(&errors(&it.counts))),
        }),
        chart("latency", "How long the app takes", speed(total), &|it| {
            let (half, most) = (it.p50().unwrap_or(0), it.p95().unwrap_or(0));
            Bar { parts: [half, most - half], title: format!("{}: {}", at(it), joined(&speed(it))) }
        }),
    ]
}

fn errors(counts: &usage::UsageCounts) -> [String; 2] {
    [count(counts.errors, "error"), format!("{} refused by Keyhaven", grouped(counts.refused))]
}

fn speed(of: &Bucket) -> [String; 2] {
    match (of.p50(), of.p95()) {
        (Some(half), Some(most)) => [format!("half within {half} ms"), format!("95 % within {most} ms")],
        _ => ["no answers".into(), String::new()],
    }
}

fn joined([lower, upper]: &[String; 2]) -> String {
    if upper.is_empty() { lower.clone() } else { format!("{lower}, {upper}") }
}

/// The words of the highest bar, for whoever does not see it.
fn highest(bars: &[Bar]) -> String {
    let high = |bar: &&Bar| bar.parts.iter().sum::<i64>();
    match bars.iter().max_by_key(high).filter(|bar| high(bar) > 0) {
        Some(bar) => format!("The highest bar is {}.", bar.title),
        None => "There is nothing to draw.".into(),
    }
}

fn at(it: &Bucket) -> String {
    Time::new(it.start, it.start).exact
}

#[cfg(test)]
mod tests {
    use keyhaven_core::usage::UsageCounts;

    use super::*;

    #[test]
    fn each_chart_says_in_words_what_it_shows() {
        let counts = UsageCounts {
            calls: 4,
            errors: 1,
            refused: 2,
            cost: 9,
            latencies: [0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0],
        };
        let bucket = |n: i64, counts| Bucket { start: 1_795_534_680_000 + n * 60_000, counts };
        let buckets = vec![bucket(0, UsageCounts::default()), bucket(1, counts)];
        let summary = Summary { window: Window::Hour, length: 60_000, total: bucket(0, counts), buckets };
        let all = charts(&summary);
        let figures: Vec<_> = all.iter().map(|chart| joined(&chart.figures)).collect();
        assert_eq!(
            figures,
            ["4 calls", "1 error, 2 refused by Keyhaven", "half within 350 ms, 95 % within 485 ms"]
        );
        let said = "Last hour: 4 calls. The highest bar is 24 Nov 2026, 15:39 UTC: 4 calls.";
        assert!(all[0].svg.contains(said), "{}", all[0].svg);
    }
}
