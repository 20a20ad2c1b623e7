//! What a run will take, before it starts.

use askama::Template;
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use keyhaven_core::{
    Error, Kind,
    syncs::{self, Estimate, StreamEstimate},
};

use super::{SyncRow, chrome, view::records};
use crate::{
    server::{AppState, SignedIn},
    web::{
        charts,
        page::{Chrome, Failure, capital, in_words, show_with},
    },
    words::{grouped, span},
};

#[derive(Template)]
#[template(path = "sync_estimate.html")]
struct Page {
    chrome: Chrome,
    row: SyncRow,
    told: Option<Told>,
    /// Why nothing can be told, and what to do.
    problem: (String, String),
}

/// The estimate in words.
struct Told {
    /// Name, figure, and what it is of.
    figures: [(&'static str, String, String); 3],
    meter: String,
    outlook: String,
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
        Ok(estimate) => (StatusCode::OK, Some(Told::new(&estimate)), Default::default()),
        Err(Error::Sync(error)) => {
            (StatusCode::OK, None, (format!("{}.", capital(&error.message)), error.remedy))
        }
        Err(error) if error.kind() == Kind::Conflict => {
            (StatusCode::OK, None, (in_words(&error), String::new()))
        }
        Err(error) => return Err(error.into()),
    };
    Ok(show_with(status, &Page { chrome: chrome(&state), row, told, problem }))
}

impl Told {
    fn new(it: &Estimate) -> Self {
        let most = if it.is_most() { "At most " } else { "About " };
        let cost = grouped(it.cost);
        let (share, of) = match it.budget_left {
            Some(left) if left < it.cost => (cost, format!("Only {} are left today", grouped(left))),
            Some(left) => {
                (percent(it.cost, left), format!("{cost} of the {} that are left today", grouped(left)))
            }
            None => (cost, "The app has not said yet what is left today".into()),
        };
        let short = it.budget_allowed.filter(|allowed| it.cost > *allowed);
        let outlook = match (short, it.budget_allowed) {
            (Some(allowed), _) => format!(
                "It may use {} today, and stops there. It goes on by itself after midnight UTC.",
                grouped(allowed)
            ),
            (None, Some(allowed)) => format!(
                "The app gives your company a budget of requests for each day. This sync may use up to {} of it today; the \
                 rest stays for others.",
                grouped(allowed)
            ),
            (None, None) => String::new(),
        };
        let meter = |left: u64| {
            let label = format!("{share} of what is left of today's budget");
            let [cost, left] = [it.cost.min(left), left].map(|of| i64::try_from(of).unwrap_or(i64::MAX));
            charts::meter(&label, left, &[("p0", cost)])
        };
        Self {
            meter: it.budget_left.map(meter).unwrap_or_default(),
            figures: [
                ("Requests", format!("{most}{}", grouped(it.requests)), String::new()),
                ("Of today's budget", share, of),
                ("Time", format!("About {}", span(it.seconds)), String::new()),
            ],
            outlook,
            is_short: short.is_some(),
            streams: it.streams.iter().map(Row::new).collect(),
        }
    }
}

/// `1.3 %`, `42 %`, `over 100 %`.
fn percent(part: u64, whole: u64) -> String {
    let permille = u128::from(part) * 1000 / u128::from(whole.max(1));
    match permille {
        0 if part == 0 => "0\u{a0}%".into(),
        0 => "under 0.1\u{a0}%".into(),
        1..100 => format!("{}.{}\u{a0}%", permille / 10, permille % 10),
        100..=1000 => format!("{}\u{a0}%", permille / 10),
        _ => "over 100\u{a0}%".into(),
    }
}

impl Row {
    fn new(it: &StreamEstimate) -> Self {
        let requests = grouped(it.requests);
        Self {
            name: records(&it.name),
            requests: if it.at_most { format!("≤ {requests}") } else { requests },
            cost: grouped(it.cost),
            note: it.note.clone().unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_told_as_exactly_as_they_matter() {
        for (part, whole, want) in [
            (0, 0, "0\u{a0}%"),
            (1, 60_000, "under 0.1\u{a0}%"),
            (750, 59_904, "1.2\u{a0}%"),
            (250, 1000, "25\u{a0}%"),
            (7, 7, "100\u{a0}%"),
            (8, 7, "over 100\u{a0}%"),
        ] {
            assert_eq!(percent(part, whole), want);
        }
    }
}
