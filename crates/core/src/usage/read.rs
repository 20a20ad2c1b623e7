//! Usage for people: charts, who calls, recent calls.

use keyhaven_store::{Before, TokenUsage, UsageCounts};

use super::{Budget, DAY, MINUTE, RecentCall, budget, recorder::BOUNDS};
use crate::{Ctx, Error, Keyhaven, connections, ctx::Millis, cursor};

/// How far back a chart looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Window {
    /// 60 minutes, one by one.
    Hour,
    /// 48 half hours.
    #[default]
    Day,
    /// 84 times two hours.
    Week,
}

impl Window {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Hour, Self::Day, Self::Week];

    /// Reads the machine word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|window| window.as_str() == word)
    }

    /// The machine word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
        }
    }

    /// How many buckets, and how long each is.
    fn buckets(self) -> (i64, Millis) {
        match self {
            Self::Hour => (60, MINUTE),
            Self::Day => (48, 30 * MINUTE),
            Self::Week => (84, 120 * MINUTE),
        }
    }
}

/// A chart's figures.
#[derive(Clone, Debug)]
pub struct Summary {
    /// How far back.
    pub window: Window,
    /// How long each bucket is.
    pub length: Millis,
    /// Without gaps, the oldest first; now is in the last one.
    pub buckets: Vec<Bucket>,
    /// All buckets together; it begins with the first.
    pub total: Bucket,
}

/// What happened in one span of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    /// When it begins.
    pub start: Millis,
    /// What was counted.
    pub counts: UsageCounts,
}

impl Bucket {
    /// Half of the app's answers took at most so many milliseconds; an estimate.
    pub fn p50(&self) -> Option<i64> {
        percentile(&self.counts, 50)
    }

    /// 95 of 100 answers took at most so many milliseconds; an estimate.
    pub fn p95(&self) -> Option<i64> {
        percentile(&self.counts, 95)
    }
}

/// As if the answers of each span were spread evenly over it. 5000 stands for that much and more.
fn percentile(counts: &UsageCounts, of_100: i64) -> Option<i64> {
    let total: i64 = counts.latencies.iter().sum();
    let mut wanted = total * of_100;
    let mut lower = 0;
    for (bound, count) in BOUNDS.into_iter().map(i64::from).zip(counts.latencies) {
        if count > 0 && wanted <= count * 100 {
            return Some(lower + (bound - lower) * wanted / (count * 100));
        }
        wanted -= count * 100;
        lower = bound;
    }
    (total > 0).then_some(lower)
}

/// The figures of a window, up to now.
pub async fn summary(app: &Keyhaven, ctx: &Ctx, connection: &str, window: Window) -> Result<Summary, Error> {
    let id = connections::row(app, ctx, connection).await?.id;
    let (count, length) = window.buckets();
    let first = ctx.now() - ctx.now().rem_euclid(length) - (count - 1) * length;
    let start = |n: i64| Bucket { start: first + n * length, ..Bucket::default() };
    let mut buckets: Vec<Bucket> = (0..count).map(start).collect();
    let mut total = start(0);
    for (n, counts) in app.store.read(&ctx.scope()).usage_by_time(&id, first, length).await? {
        let Some(bucket) = usize::try_from(n).ok().and_then(|n| buckets.get_mut(n)) else { continue };
        bucket.counts = counts;
        total.counts.add(&counts);
    }
    Ok(Summary { window, length, buckets, total })
}

/// What is worth knowing about the use of a connection.
#[derive(Clone, Debug)]
pub struct Overview {
    /// What happened.
    pub summary: Summary,
    /// What it means for the app's budget of today.
    pub budget: Budget,
}

/// Both at once.
pub async fn overview(
    app: &Keyhaven,
    ctx: &Ctx,
    connection: &str,
    window: Window,
) -> Result<Overview, Error> {
    let summary = summary(app, ctx, connection, window).await?;
    Ok(Overview { summary, budget: budget(app, ctx, connection).await? })
}

/// Tokens that are told one by one.
const TOKENS: i64 = 50;

/// Who has called today, the most costly first. The day is that of UTC.
pub async fn by_token(app: &Keyhaven, ctx: &Ctx, connection: &str) -> Result<Vec<TokenUsage>, Error> {
    let id = connections::row(app, ctx, connection).await?.id;
    let midnight = ctx.now() - ctx.now().rem_euclid(DAY);
    Ok(app.store.read(&ctx.scope()).usage_by_token(&id, midnight, TOKENS).await?)
}

/// Recent calls, a page at a time.
#[derive(Clone, Debug)]
pub struct CallPage {
    /// Newest first.
    pub items: Vec<RecentCall>,
    /// Cursor of the page after this one.
    pub next: Option<String>,
}

/// Recent calls, newest first. `limit` is 1 to 200; 0 means 50.
pub async fn recent(
    app: &Keyhaven,
    ctx: &Ctx,
    connection: &str,
    limit: u32,
    cursor: Option<&str>,
) -> Result<CallPage, Error> {
    let id = connections::row(app, ctx, connection).await?.id;
    let (limit, before) = (cursor::limit(limit)?, cursor::before(cursor)?);
    let mut items = app.store.read(&ctx.scope()).calls(&id, &before, limit + 1).await?;
    let next = cursor::next(&mut items, limit, |it| Before { at: it.at, id: it.id.clone() });
    Ok(CallPage { items, next })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_estimated_from_the_counts() {
        let table = [
            ([0; 11], None, None),
            ([10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], Some(2), Some(4)),
            ([0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0], Some(350), Some(485)),
            ([0, 0, 0, 90, 0, 0, 0, 0, 0, 10, 0], Some(36), Some(3500)),
            ([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9], Some(5000), Some(5000)),
        ];
        for (latencies, p50, p95) in table {
            let counts = UsageCounts { latencies, ..UsageCounts::default() };
            assert_eq!((percentile(&counts, 50), percentile(&counts, 95)), (p50, p95), "{latencies:?}");
        }
    }
}
