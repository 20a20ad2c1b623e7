//! The live check: drives a connector's questions through the one door.

use std::time::Duration;

use keyhaven_connectors::{Connector, Fault, Next, Values, Verdict, Verification};
use tokio::time::Instant;

use crate::{Keyhaven, ctx::Millis};

/// A verification takes no longer than this, however many questions it asks.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

/// And sends no more than this.
pub(crate) const MAX_REQUESTS: u32 = 2;

/// What a verification found out.
pub(crate) struct Checked {
    pub verdict: Verdict,
    /// When it began.
    pub at: Millis,
    pub took: Duration,
}

/// Asks the app. Never fails: that nothing could be found out is a verdict, too.
pub(crate) async fn check(app: &Keyhaven, now: Millis, connector: &Connector, values: &Values) -> Checked {
    let began = Instant::now();
    let hosts = connector.hosts(&values.plain);
    let mut verification = Verification::new(connector, values);
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
            Ok(answer) => verification.answer(answer),
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
    Checked { verdict, at: now, took }
}
