//! The last 90 days: a bar for each, a sentence on all, and the most recent checks one by one.

use keyhaven_core::{
    Ctx, Error, Keyhaven,
    connections::{self, Check, Day},
};

use super::view::Time;

/// As many as fit a glance.
const RECENT: i64 = 12;

#[derive(Default)]
pub(super) struct History {
    pub summary: String,
    pub bars: Vec<Bar>,
    pub recent: Vec<Past>,
}

/// One day.
pub(super) struct Bar {
    pub x: usize,
    pub class: &'static str,
    pub title: String,
}

/// One check.
pub(super) struct Past {
    pub at: Time,
    pub status: &'static str,
    pub title: String,
    pub ms: i64,
    pub trigger: &'static str,
}

impl History {
    pub(super) async fn read(app: &Keyhaven, ctx: &Ctx, which: &str) -> Result<Self, Error> {
        let days = connections::history(app, ctx, which).await?;
        let recent = connections::recent(app, ctx, which, RECENT).await?;
        Ok(Self::new(&days, recent, ctx.now()))
    }

    pub(super) fn new(days: &[Day], recent: Vec<Check>, now: i64) -> Self {
        let past = |check: Check| Past {
            at: Time::new(check.at, now),
            status: check.status.as_str(),
            title: check.title,
            ms: check.ms,
            trigger: match check.trigger.as_str() {
                "save" => "when it was saved",
                "asked" => "asked for",
                "refused" => "the app refused a call",
                "answered" => "the app took a call",
                _ => "in the background",
            },
        };
        Self {
            summary: summary(days),
            bars: days.iter().enumerate().map(|(n, day)| bar(n, day, now)).collect(),
            recent: recent.into_iter().map(past).collect(),
        }
    }
}

fn bar(n: usize, day: &Day, now: i64) -> Bar {
    let date = Time::new(day.start, now).day;
    let (class, words) = match day.worst() {
        None => ("none", "not checked".to_owned()),
        Some(worst) => (worst.as_str(), parts(day.valid, day.invalid, day.unverified)),
    };
    Bar { x: n * 10 + 1, class, title: format!("{date}: {words}") }
}

fn summary(days: &[Day]) -> String {
    let sum = |count: fn(&Day) -> i64| days.iter().map(count).sum::<i64>();
    let (valid, invalid, unverified) =
        (sum(|day| day.valid), sum(|day| day.invalid), sum(|day| day.unverified));
    let all = valid + invalid + unverified;
    if all == 0 {
        return "no checks yet".into();
    }
    let checks = if all == 1 { "check" } else { "checks" };
    let told = format!("{all} {checks}: {}", parts(valid, invalid, unverified));
    if valid + invalid == 0 {
        // Where nothing was answered, 0 % would blame the key.
        return told;
    }
    // Never rounded up: 100 % means each of them.
    format!("{} % ✓ · {told}", 100 * valid / all)
}

fn parts(valid: i64, invalid: i64, unverified: i64) -> String {
    let all = [(valid, "✓"), (invalid, "refused"), (unverified, "no answer")];
    let words =
        all.into_iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}"));
    words.collect::<Vec<_>>().join(", ")
}

/// Days to show in tests.
#[cfg(test)]
pub(super) fn sample_days() -> Vec<Day> {
    let day = |n: i64| match n {
        0..40 => Day { start: n * 86_400_000, valid: 0, invalid: 0, unverified: 0 },
        57 => Day { start: n * 86_400_000, valid: 2, invalid: 0, unverified: 2 },
        71 => Day { start: n * 86_400_000, valid: 3, invalid: 1, unverified: 0 },
        _ => Day { start: n * 86_400_000, valid: 4, invalid: 0, unverified: 0 },
    };
    (0..connections::HISTORY_DAYS).map(day).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_shows_its_worst_and_the_sentence_counts_all() {
        let history = History::new(&sample_days(), Vec::new(), 0);
        assert_eq!(history.summary, "98 % ✓ · 200 checks: 197 ✓, 1 refused, 2 no answer");
        let shown: Vec<_> = [0, 57, 71, 89].map(|n| history.bars[n].class).into();
        assert_eq!(shown, ["none", "unverified", "invalid", "valid"]);
        assert_eq!(history.bars[71].title, "13 March 1970: 3 ✓, 1 refused");
        assert_eq!(History::new(&[], Vec::new(), 0).summary, "no checks yet");
        let silent = Day { start: 0, valid: 0, invalid: 0, unverified: 1 };
        assert_eq!(History::new(&[silent], Vec::new(), 0).summary, "1 check: 1 no answer");
    }
}
