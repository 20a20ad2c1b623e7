//! What a run will take, before it begins.

use std::{collections::HashMap, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use keyhaven_connectors::streams::{Paging, Stream};

use crate::{
    error::SyncError,
    page,
    run::{Plan, Stop, expand, is_due, refusal},
    source::{Answer, Budget, Refused, Source},
    state::{self, StreamState},
    writer,
};

/// What a run will take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Stream by stream.
    pub streams: Vec<StreamEstimate>,
    /// Requests in all.
    pub requests: u64,
    /// What they cost of the app's daily budget.
    pub cost: u64,
    /// What is left of it today, as far as is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget_left: Option<u64>,
    /// The most that this run uses of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget_allowed: Option<u64>,
    /// How long it takes, in seconds.
    pub seconds: u64,
    /// What it took to find that out, stream by stream.
    #[serde(skip)]
    pub(crate) looked: HashMap<String, Looked>,
}

/// Requests that were made before a run, and what they cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Looked {
    pub requests: u64,
    pub cost: u64,
}

impl Estimate {
    /// It may well be fewer requests, and cannot be more.
    pub fn is_most(&self) -> bool {
        self.streams.iter().any(|it| it.at_most) && !self.streams.iter().any(|it| it.at_least)
    }
}

/// What one stream will take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StreamEstimate {
    /// The stream.
    pub name: String,
    /// Requests.
    pub requests: u64,
    /// What they cost.
    pub cost: u64,
    /// It may well be fewer: counted from the highest id, or by how many records have others hanging on them.
    pub at_most: bool,
    /// It may well be more: that can be told only while the run goes.
    #[serde(default)]
    pub at_least: bool,
    /// What cannot be told beforehand, or that it will be left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// How a number of requests is meant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bound {
    Exact,
    AtMost,
    AtLeast,
}

/// Asks the app for the highest ids (one cheap request for each long list), and looks at what is in the destination.
pub async fn estimate<S: Source>(source: &S, plan: &Plan) -> Result<Estimate, SyncError> {
    look(source, plan, true).await
}

/// The same at the beginning of a run, which need not know of the budget what it will hear anyway.
pub async fn estimate_run<S: Source>(source: &S, plan: &Plan) -> Result<Estimate, SyncError> {
    look(source, plan, false).await
}

async fn look<S: Source>(source: &S, plan: &Plan, for_budget: bool) -> Result<Estimate, SyncError> {
    let chosen = expand(&plan.streams, &plan.chosen)?;
    let there = plan.destination.look().await?;
    let states = tokio::task::spawn_blocking(move || {
        let Some(mut db) = there else { return Ok(HashMap::new()) };
        let is_begun = db.objects()?.contains_key(writer::STREAMS);
        let states = if is_begun { state::streams(db.as_mut()) } else { Ok(HashMap::new()) };
        db.close();
        states
    });
    let states =
        states.await.map_err(|_| SyncError::destination("the destination ended", "Try again."))??;
    let mut probe = Probe {
        source,
        asked: 0,
        took: Duration::ZERO,
        told: None,
        highest: HashMap::new(),
        burst: None,
        looked: HashMap::new(),
    };
    let mut streams = Vec::new();
    for stream in &chosen {
        let state = states.get(&stream.name).cloned().unwrap_or_default();
        let (requests, bound, note) = probe.requests(stream, &state, plan).await?;
        let cost = requests.saturating_mul(source.cost(&stream.path.replace("{id}", "1")));
        let (at_most, at_least) = (bound == Bound::AtMost, bound == Bound::AtLeast);
        streams.push(StreamEstimate { name: stream.name.clone(), requests, cost, at_most, at_least, note });
    }
    let requests = sum(streams.iter().map(|it| it.requests));
    let budget = probe.budget(&chosen, for_budget).await.filter(|it| it.is_told);
    let each = probe.took.checked_div(probe.asked).unwrap_or(Duration::from_millis(200));
    let paced = probe.burst.map_or(0.0, |per_second| requests as f64 / per_second);
    Ok(Estimate {
        requests,
        cost: sum(streams.iter().map(|it| it.cost)),
        budget_left: budget.map(|it| it.left),
        budget_allowed: budget.map(|it| (it.left as f64 * plan.share) as u64),
        // A full page takes about three times as long as one record.
        seconds: (each.as_secs_f64() * 3.0 * requests as f64).max(paced).ceil() as u64,
        streams,
        looked: probe.looked,
    })
}

/// The query of the whole list, backwards: its first record has the highest id.
fn from_the_end(stream: &Stream) -> Option<String> {
    let (up, down) = match stream.pages {
        Paging::Cursor => ("sort_direction=asc", "sort_direction=desc"),
        Paging::Start if stream.ordered => ("sort=id ASC", "sort=id DESC"),
        _ => return None,
    };
    stream.whole.contains(up).then(|| stream.whole.replace(up, down).replace(' ', "%20"))
}

/// Apps tell the highest ids, and these may be any number.
fn sum(numbers: impl Iterator<Item = u64>) -> u64 {
    numbers.fold(0, u64::saturating_add)
}

struct Probe<'a, S> {
    source: &'a S,
    asked: u32,
    took: Duration,
    told: Option<Budget>,
    /// The highest ids of lists that were asked for.
    highest: HashMap<String, u64>,
    /// Requests in a second that leave a quarter to others.
    burst: Option<f64>,
    looked: HashMap<String, Looked>,
}

impl<S: Source> Probe<'_, S> {
    async fn requests(
        &mut self,
        stream: &Stream,
        state: &StreamState,
        plan: &Plan,
    ) -> Result<(u64, Bound, Option<String>), SyncError> {
        if let Some(each) = &stream.each {
            return Ok(match state.finished {
                None => {
                    let parents = self.highest.get(&each.of).copied().unwrap_or_default();
                    let fewer = "only for those that have some".to_owned();
                    (
                        parents.div_ceil(each.many as u64),
                        Bound::AtMost,
                        each.counted.is_some().then_some(fewer),
                    )
                }
                Some(_) => (0, Bound::AtLeast, Some("one for each changed record at most".into())),
            });
        }
        let due = is_due(plan, state);
        let knows_changes = stream.changes.is_some() || stream.newest.is_some();
        if state.finished.is_some() {
            let sweep = if due { state.requests } else { 0 };
            let changes = u64::from(knows_changes && !(due && state.requests <= 1));
            return Ok((sweep + changes, Bound::Exact, None));
        }
        let Some(query) = from_the_end(stream) else {
            if stream.pages == Paging::Start && knows_changes {
                let note = "one page at least; its length is known once it is read";
                return Ok((1, Bound::AtLeast, Some(note.into())));
            }
            return Ok((1, Bound::Exact, None));
        };
        match self.ask(stream, &format!("?limit=1&{query}")).await {
            Ok(answer) => {
                let highest = page::highest_id(&answer.body, &stream.key).unwrap_or_default();
                self.highest.insert(stream.name.clone(), highest);
                let done = state.after.unwrap_or_default().unsigned_abs();
                let pages = highest.saturating_sub(done).div_ceil(stream.size).max(1);
                Ok((pages, if pages > 1 { Bound::AtMost } else { Bound::Exact }, None))
            }
            Err(Refused::NotHere { message, .. } | Refused::OutOfReach { message, .. }) => {
                Ok((0, Bound::Exact, Some(format!("will be skipped: “{message}”"))))
            }
            // Nothing goes before somebody has done something about it.
            Err(refused @ (Refused::KeyRejected(_) | Refused::Forbidden { .. })) => match refusal(refused) {
                Stop::Run(error) => Err(error),
                _ => Ok((0, Bound::Exact, None)),
            },
            Err(_) => Ok((1, Bound::AtLeast, Some("could not be asked just now".into()))),
        }
    }

    /// What is left today. What is known of the app in general may be wrong, so it is asked for something cheap.
    async fn budget(&mut self, chosen: &[&Stream], asks: bool) -> Option<Budget> {
        if self.told.is_some() {
            return self.told;
        }
        let known = self.source.budget().await?;
        let lists = chosen.iter().filter(|it| it.each.is_none());
        let cheapest = lists.min_by_key(|it| self.source.cost(&it.path)).filter(|_| asks && !known.is_told);
        if let Some(stream) = cheapest
            && let Err(Refused::BudgetUsedUp) = self.ask(stream, "?limit=1").await
        {
            return Some(Budget { left: 0, is_told: true, ..known });
        }
        Some(self.told.unwrap_or(known))
    }

    async fn ask(&mut self, stream: &Stream, query: &str) -> Result<Answer, Refused> {
        let (began, path) = (Instant::now(), format!("{}{query}", stream.path));
        let mut answer = self.source.get(&path).await;
        if let Err(Refused::Later(wait)) = &answer {
            tokio::time::sleep((*wait).min(Duration::from_secs(3))).await;
            answer = self.source.get(&path).await;
        }
        if answer.as_ref().err().is_none_or(Refused::is_the_apps) {
            let looked = self.looked.entry(stream.name.clone()).or_default();
            looked.requests += 1;
            looked.cost += self.source.cost(&stream.path);
        }
        if let Ok(answer) = &answer {
            self.asked += 1;
            self.took += began.elapsed();
            self.told = answer.budget.or(self.told);
            let per_second =
                |burst: crate::source::Burst| burst.limit as f64 * 0.75 / burst.reset.as_secs_f64().max(1.0);
            self.burst = answer.burst.map(per_second).or(self.burst);
        }
        answer
    }
}
