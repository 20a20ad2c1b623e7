//! What a run will take, before it starts.

use askama::Template;
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use keyhaven_core::{
    Kind,
    syncs::{self, Estimate, StreamEstimate},
};

use super::{SyncRow, chrome};
use crate::{
    server::{AppState, SignedIn},
    web::{
        charts,
        page::{Chrome, Failure, in_words, show_with},
    },
    words::{grouped, span},
};

#[derive(Template)]
#[template(path = "sync_estimate.html")]
struct Page {
    chrome: Chrome,
    row: SyncRow,
    told: Option<Told>,
    /// Why nothing can be told.
    problem: String,
}

/// The estimate in words.
struct Told {
    figures: Vec<(&'static str, String)>,
    meter: String,
    share: String,
    is_short: bool,
    streams: Vec<Row>,
}

struct Row {
    name: String,
    requests: String,
    cost: String,
    note: String,
}

pub(in crate::web) async fn page(
    SignedIn(ctx): SignedIn,
    State(state): State<AppState>,
    Path(which): Path<String>,
) -> Result<Response, Failure> {
    let row = SyncRow::new(&ctx, &syncs::get(&state.app, &ctx, &which).await?);
    let (status, told, problem) = match syncs::estimate_saved(&state.app, &ctx, &which).await {
        Ok(estimate) => (StatusCode::OK, Some(Told::new(&estimate)), String::new()),
        Err(error) if error.kind() == Kind::Conflict => (StatusCode::OK, None, in_words(&error)),
        Err(error) => return Err(error.into()),
    };
    Ok(show_with(status, &Page { chrome: chrome(&state), row, told, problem }))
}

fn big(of: u64) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}

impl Told {
    fn new(it: &Estimate) -> Self {
        let most = if it.streams.iter().any(|it| it.at_most) { "At most " } else { "About " };
        let (cost, allowed, left) = (big(it.cost), it.budget_allowed.map(big), it.budget_left.map(big));
        let is_short = allowed.is_some_and(|allowed| cost > allowed);
        let share = match (allowed, left) {
            (Some(_), Some(left)) if !is_short => {
                format!("{} of the {} that are left of today's budget.", grouped(cost), grouped(left))
            }
            (Some(allowed), _) => format!(
                "It may use {} today and needs about {}: it stops there, and goes on by itself after midnight UTC.",
                grouped(allowed),
                grouped(cost)
            ),
            _ => "The app has not told what is left of today's budget.".into(),
        };
        let label = format!("{} of {}", grouped(cost), grouped(left.unwrap_or(cost)));
        Self {
            figures: vec![
                ("Requests", format!("{most}{}", grouped(big(it.requests)))),
                ("Of the budget", grouped(cost)),
                ("Time", format!("About {}", span(big(it.seconds)))),
            ],
            meter: left
                .map(|left| charts::meter(&label, left, &[("p0", cost.min(left))]))
                .unwrap_or_default(),
            share,
            is_short,
            streams: it.streams.iter().map(Row::new).collect(),
        }
    }
}

impl Row {
    fn new(it: &StreamEstimate) -> Self {
        let requests = grouped(big(it.requests));
        Self {
            name: it.name.replace('_', " "),
            requests: if it.at_most { format!("≤ {requests}") } else { requests },
            cost: grouped(big(it.cost)),
            note: it.note.clone().unwrap_or_default(),
        }
    }
}
