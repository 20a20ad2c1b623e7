//! The live check: drives a connector's questions through the one door.

use std::time::Duration;

use http::{HeaderMap, HeaderName};
use keyhaven_connectors::{Connector, Fault, Next, Values, Verdict, Verification};
use tokio::time::Instant;

use crate::{Keyhaven, ctx::Millis, http1, usage::Told};

/// A verification takes no longer than this, however many questions it asks.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

/// And sends no more than this.
pub(crate) const MAX_REQUESTS: u32 = 2;

/// What a verification found out.
pub(crate) struct Checked {
    pub verdict: Verdict,
    /// When it began.
    pub at: Millis,
    /// What the app told of the day's budget.
    pub told: Option<Told>,
    pub took: Duration,
}

/// Asks the app. Never fails: that nothing could be found out is a verdict, too.
pub(crate) async fn check(app: &Keyhaven, now: Millis, connector: &Connector, values: &Values) -> Checked {
    let began = Instant::now();
    let hosts = connector.hosts(&values.plain);
    let mut verification = Verification::new(connector, values);
    let mut told = None;
    let verdict = loop {
        let request = match verification.next() {
            Next::Send(request) => request,
            Next::Done(verdict) => break verdict,
        };
        let left = LIMIT.saturating_sub(began.elapsed());
        if left.is_zero() {
            verification.fault(Fault::TimedOut);
            continue;
        }
        match app.egress.send(&hosts, request, left).await {
            Ok(answer) => {
                told = told_by(connector, &answer.headers, now).or(told);
                verification.answer(answer);
            }
            Err(fault) => verification.fault(fault),
        }
    };
    let took = began.elapsed();
    app.metrics.verified(&connector.id, verdict.reason.as_str(), took);
    tracing::debug!(
        connector = connector.id,
        reason = verdict.reason.as_str(),
        ms = took.as_millis() as u64,
        "verified"
    );
    Checked { verdict, at: now, told, took }
}

fn told_by(connector: &Connector, headers: &HeaderMap, at: Millis) -> Option<Told> {
    let budget = connector.limits.as_ref()?.budget.as_ref()?;
    let number = |name: &HeaderName| http1::number(headers.get(name)?.as_bytes().trim_ascii());
    Told::read(budget.headers.read(number), at)
}
