//! `/api/v1/connections/{id}/usage` and `/calls`: what goes through a connection.

use axum::{Json, extract::State};
use keyhaven_core::usage::{self, Bucket, Overview, Window};
use serde::{Deserialize, Serialize};

use super::{
    problem::Failure,
    request::{Params, Which},
    wire::time,
};
use crate::server::{AppState, Caller};

/// What happened in a window of time, and how the budget of today stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Usage {
    pub window: String,
    pub bucket_seconds: i64,
    pub buckets: Vec<Span>,
    pub total: Span,
    pub budget: Budget,
}

/// What happened in one span of time.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Span {
    pub start: String,
    pub calls: i64,
    pub errors: i64,
    pub refused: i64,
    pub cost: i64,
    pub p50_milliseconds: Option<i64>,
    pub p95_milliseconds: Option<i64>,
}

/// How the app's daily budget stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Budget {
    pub limit: Option<i64>,
    /// `told` by the app or `assumed`.
    pub limit_is: Option<String>,
    pub used: i64,
    pub counted_by: String,
    pub elsewhere: i64,
    pub by_token: Vec<TokenUse>,
    pub runs_out_at: Option<String>,
    /// Nothing goes out until then, since the app refused a call as one too many for today.
    pub stopped_until: Option<String>,
    pub resets_at: String,
}

/// What one caller used today.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TokenUse {
    pub token: String,
    pub name: Option<String>,
    pub calls: i64,
    pub errors: i64,
    pub refused: i64,
    pub cost: i64,
}

/// A page of recent calls.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CallPage {
    pub items: Vec<Call>,
    pub next_cursor: Option<String>,
}

/// One call.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Call {
    pub id: String,
    pub at: String,
    pub token: String,
    pub token_name: Option<String>,
    pub method: String,
    pub path: String,
    pub status: i64,
    pub milliseconds: i64,
    #[serde(default)]
    pub waited_milliseconds: i64,
    pub source: String,
}

impl From<&Bucket> for Span {
    fn from(it: &Bucket) -> Self {
        Self {
            start: time(it.start),
            calls: it.counts.calls,
            errors: it.counts.errors,
            refused: it.counts.refused,
            cost: it.counts.cost,
            p50_milliseconds: it.p50(),
            p95_milliseconds: it.p95(),
        }
    }
}

impl From<usage::Budget> for Budget {
    fn from(it: usage::Budget) -> Self {
        let by_token = |it: usage::TokenUsage| TokenUse {
            token: it.token,
            name: it.name,
            calls: it.counts.calls,
            errors: it.counts.errors,
            refused: it.counts.refused,
            cost: it.counts.cost,
        };
        Self {
            limit: it.limit,
            limit_is: it.limit.map(|_| if it.is_told { "told" } else { "assumed" }.into()),
            used: it.used,
            counted_by: it.source.as_str().into(),
            elsewhere: it.elsewhere,
            by_token: it.by_token.into_iter().map(by_token).collect(),
            runs_out_at: it.runs_out_at.map(time),
            stopped_until: it.stopped_until.map(time),
            resets_at: time(it.resets_at),
        }
    }
}

impl From<Overview> for Usage {
    fn from(Overview { summary, budget }: Overview) -> Self {
        Self {
            window: summary.window.as_str().into(),
            bucket_seconds: summary.length / 1000,
            buckets: summary.buckets.iter().map(Span::from).collect(),
            total: Span::from(&summary.total),
            budget: budget.into(),
        }
    }
}

impl From<usage::CallPage> for CallPage {
    fn from(it: usage::CallPage) -> Self {
        let call = |it: usage::RecentCall| Call {
            id: it.id,
            at: time(it.at),
            token: it.token,
            token_name: it.token_name,
            method: it.method,
            path: it.path,
            status: it.status,
            milliseconds: it.ms,
            waited_milliseconds: it.waited_ms,
            source: it.source,
        };
        Self { items: it.items.into_iter().map(call).collect(), next_cursor: it.next }
    }
}

pub(super) async fn usage(
    Caller(ctx): Caller,
    State(state): State<AppState>,
    Which(which): Which,
    mut params: Params,
) -> Result<Json<Usage>, Failure> {
    let window = match params.take("window") {
        None => Window::default(),
        Some(word) => {
            Window::parse(&word).ok_or_else(|| Failure::field("window", "It must be hour, day or week."))?
        }
    };
    params.finish()?;
    Ok(Json(usage::overview(&state.app, &ctx, &which, window).await?.into()))
}

pub(super) async fn calls(
    Caller(ctx): Caller,
    State(state): State<AppState>,
    Which(which): Which,
    mut params: Params,
) -> Result<Json<CallPage>, Failure> {
    let (limit, cursor) = (params.limit()?, params.cursor());
    params.finish()?;
    Ok(Json(usage::recent(&state.app, &ctx, &which, limit, cursor.as_deref()).await?.into()))
}
