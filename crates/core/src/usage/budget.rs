//! The app's daily budget: how much is left, who used it, and how long it will last.

use std::{
    collections::BTreeMap,
    sync::{PoisonError, RwLock},
};

use keyhaven_store::{BudgetRow, TokenUsage};

use super::{DAY, HOUR, stop::stopped_until};
use crate::{Ctx, Error, Keyhaven, Map, connections, ctx::Millis};

/// What the app itself last said about the budget of a connection's company.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// The whole of a day.
    pub limit: i64,
    /// What is left of it.
    pub remaining: i64,
    /// When it said so.
    pub at: Millis,
}

impl Told {
    /// What an answer to a call from then tells, where it does.
    pub(crate) fn read(day: keyhaven_connectors::Told, at: Millis) -> Option<Self> {
        let (limit, remaining) = (day.limit?.try_into().ok()?, day.remaining?.try_into().ok()?);
        Some(Self { limit, remaining, at })
    }

    pub(crate) fn row(self, connection: &str) -> BudgetRow {
        BudgetRow {
            connection: connection.to_owned(),
            per_day: self.limit,
            remaining: self.remaining,
            told_at: self.at,
        }
    }
}

/// The last word of each app, by connection, as this process heard it.
#[derive(Default)]
pub(crate) struct ToldBudgets(RwLock<Map<String, Heard>>);

struct Heard {
    told: Told,
    /// It is still to be written, so that it outlives the process, and others know it.
    is_new: bool,
}

/// Where the figures come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// The app said so today; calls that do not go through Keyhaven are in it.
    ByApp,
    /// Keyhaven has counted what went through it.
    Here,
}

impl Counted {
    /// The machine word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ByApp => "app",
            Self::Here => "keyhaven",
        }
    }
}

/// The budget of today. The day is that of UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// The whole, where there is one.
    pub limit: Option<i64>,
    /// The app has told `limit`; where not, its connector assumes it, as the least that anybody has.
    pub is_told: bool,
    /// What is used of it.
    pub used: i64,
    /// Where `used` comes from.
    pub source: Counted,
    /// Who used it through Keyhaven, the most costly first.
    pub by_token: Vec<TokenUsage>,
    /// What was used past Keyhaven, as far as can be told.
    pub elsewhere: i64,
    /// What the last hour used: of what was used past Keyhaven, an hour's part of the day.
    pub last_hour: i64,
    /// When it runs out at the pace of the last hour, if that is today.
    pub runs_out_at: Option<Millis>,
    /// Until when nothing goes out, since the app refused a call as one too many for today.
    pub stopped_until: Option<Millis>,
    /// When the day ends.
    pub resets_at: Millis,
}

/// Tokens that are told one by one.
const TOKENS: i64 = 20;

impl From<BudgetRow> for Told {
    fn from(it: BudgetRow) -> Self {
        Self { limit: it.per_day, remaining: it.remaining, at: it.told_at }
    }
}

impl Keyhaven {
    /// What the app last said about this connection's budget.
    pub fn told_budget(&self, connection_id: &str) -> Option<Told> {
        self.told.0.read().unwrap_or_else(PoisonError::into_inner).get(connection_id).map(|it| it.told)
    }

    /// Notes what the app said about this connection's budget; an older word does not replace a newer one.
    pub fn set_told_budget(&self, connection_id: &str, told: Told) {
        let mut all = self.told.0.write().unwrap_or_else(PoisonError::into_inner);
        let heard = Heard { told, is_new: true };
        match all.get_mut(connection_id) {
            Some(known) if known.told.at > told.at => {}
            Some(known) => *known = heard,
            None => {
                all.insert(connection_id.to_owned(), heard);
            }
        }
    }

    /// What is still to be written.
    pub(super) fn new_told_budgets(&self) -> BTreeMap<String, Told> {
        let mut all = self.told.0.write().unwrap_or_else(PoisonError::into_inner);
        let new = all
            .iter_mut()
            .filter_map(|(id, it)| std::mem::take(&mut it.is_new).then(|| (id.clone(), it.told)));
        new.collect()
    }

    /// The connection is no more.
    pub(crate) fn forget_told_budget(&self, connection_id: &str) {
        self.told.0.write().unwrap_or_else(PoisonError::into_inner).remove(connection_id);
    }
}

/// What the app last said about this connection's budget, to this process or another.
pub(crate) async fn last_told(app: &Keyhaven, ctx: &Ctx, id: &str) -> Result<Option<Told>, Error> {
    let written = app.store.read(&ctx.scope()).told_budget(id).await?.map(Told::from);
    Ok(app.told_budget(id).into_iter().chain(written).max_by_key(|it| it.at))
}

/// The connection is another company's now: what was told of the old one's budget says nothing any more.
pub(crate) async fn forget_told_budget(app: &Keyhaven, ctx: &Ctx, connection_id: &str) -> Result<(), Error> {
    let mut tx = app.store.begin(&ctx.scope()).await?;
    tx.forget_told_budget(connection_id).await?;
    tx.commit().await?;
    app.forget_told_budget(connection_id);
    app.known.begin_anew(connection_id);
    Ok(())
}

/// How today's budget of a connection stands.
pub async fn budget(app: &Keyhaven, ctx: &Ctx, connection: &str) -> Result<Budget, Error> {
    let row = connections::row(app, ctx, connection).await?;
    let (id, limits) = (row.id, app.catalogue.get(&row.connector).and_then(|it| it.limits.as_ref()));
    let assumed = limits.and_then(|it| it.budget.as_ref()).and_then(|it| i64::try_from(it.per_day).ok());
    let now = ctx.now();
    let midnight = now - now.rem_euclid(DAY);
    let read = app.store.read(&ctx.scope());
    let counted = read.usage_cost(&id, midnight).await?;
    let last_hour = read.usage_cost(&id, now - HOUR).await?;
    let by_token = read.usage_by_token(&id, midnight, TOKENS).await?;
    let told = last_told(app, ctx, &id).await?;
    let stopped_until = stopped_until(app, ctx, &id).await?;
    Ok(stand(told, stopped_until, assumed, [counted, last_hour], by_token, now))
}

/// `counted` is what went through Keyhaven today, and in the last hour.
fn stand(
    told: Option<Told>,
    stopped_until: Option<Millis>,
    assumed: Option<i64>,
    counted: [i64; 2],
    by_token: Vec<TokenUsage>,
    now: Millis,
) -> Budget {
    let [counted, last_hour] = counted;
    let midnight = now - now.rem_euclid(DAY);
    let resets_at = midnight + DAY;
    let limit = told.map(|told| told.limit).or(assumed);
    // Yesterday's word tells the whole, but not what is left of today's.
    let (used, source) = match told {
        Some(told) if told.at >= midnight => {
            (told.limit.saturating_sub(told.remaining).max(0), Counted::ByApp)
        }
        _ => (counted, Counted::Here),
    };
    let elsewhere = if source == Counted::ByApp { (used - counted).max(0) } else { 0 };
    // When it was used is not known: it is taken to be spread over the day.
    let last_hour = last_hour + scaled(elsewhere, HOUR, (now - midnight).max(HOUR));
    let lasts = |limit: i64| {
        let at = match (limit.saturating_sub(used), last_hour) {
            _ if stopped_until.is_some() => Some(now),
            (..=0, _) => Some(now),
            (_, ..=0) => None,
            (left, pace) => Some(now.saturating_add(scaled(left, HOUR, pace))),
        };
        at.filter(|at| *at < resets_at)
    };
    Budget {
        runs_out_at: limit.and_then(lasts),
        last_hour,
        elsewhere,
        limit,
        stopped_until,
        is_told: told.is_some(),
        used,
        source,
        by_token,
        resets_at,
    }
}

fn scaled(value: i64, part: i64, of: i64) -> i64 {
    i64::try_from(i128::from(value) * i128::from(part) / i128::from(of)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stood(
        told: Option<Told>,
        assumed: Option<i64>,
        counted: [i64; 2],
        by_token: Vec<TokenUsage>,
        now: Millis,
    ) -> Budget {
        stand(told, None, assumed, counted, by_token, now)
    }

    #[test]
    fn the_budget_is_told_by_the_app_today_and_counted_here_before() {
        let noon = 20_000 * DAY + DAY / 2;
        let told = |remaining, at| Some(Told { limit: 1000, remaining, at });

        let half = stood(told(250, noon - 1), None, [690, 100], vec![], noon);
        assert_eq!((half.used, half.source, half.elsewhere), (750, Counted::ByApp, 60));
        assert_eq!(half.resets_at, noon + DAY / 2);
        // However quiet the morning was: 100 in the last hour, and of the 60 past Keyhaven a twelfth.
        assert_eq!((half.last_hour, half.runs_out_at), (105, Some(noon + 250 * HOUR / 105)));

        // Nothing is said of a pace that is not there, or lasts.
        assert_eq!(stood(told(100, noon), None, [900, 0], vec![], noon).runs_out_at, None);
        assert_eq!(stood(told(500, noon), None, [500, 40], vec![], noon).runs_out_at, None);
        assert_eq!(stood(told(0, noon), None, [1000, 0], vec![], noon).runs_out_at, Some(noon));
        // The first hour of a day judges by the one before.
        let early = stood(told(1000, noon), None, [0, 600], vec![], 20_001 * DAY + HOUR / 60);
        assert_eq!((early.used, early.runs_out_at), (0, Some(20_001 * DAY + HOUR / 60 + HOUR * 10 / 6)));

        let old = stood(told(0, noon - DAY), None, [30, 30], vec![], noon);
        assert_eq!((old.limit, old.used, old.source), (Some(1000), 30, Counted::Here));
        assert_eq!(old.runs_out_at, None);
        assert!(old.is_told);
        let unknown = stood(None, None, [30, 30], vec![], noon);
        assert_eq!((unknown.limit, unknown.used, unknown.runs_out_at), (None, 30, None));
        let assumed = stood(None, Some(60), [30, 30], vec![], noon);
        assert_eq!((assumed.limit, assumed.is_told), (Some(60), false));
        assert_eq!(assumed.runs_out_at, Some(noon + HOUR));
        assert_eq!(stood(told(250, noon), Some(60), [9, 9], vec![], noon).limit, Some(1000));
        let endless = Some(Told { limit: i64::MAX, remaining: i64::MAX, at: noon });
        assert_eq!(stood(endless, None, [1, 1], vec![], noon).runs_out_at, None);
        // While nothing goes out, no pace tells anything.
        let stopped = stand(told(500, noon), Some(noon + HOUR), None, [500, 40], vec![], noon);
        assert_eq!((stopped.stopped_until, stopped.runs_out_at), (Some(noon + HOUR), Some(noon)));
    }
}
