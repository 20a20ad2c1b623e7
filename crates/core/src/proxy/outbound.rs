//! One request on its way to the app, until its answer begins.

use std::{future::Future, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{Method, header};
use http_body_util::BodyExt;
use hyper::body::Body;
use keyhaven_connectors::{Answer, Fault, Reason};
use tokio::time::{Instant, timeout_at};

use super::{
    Payload, Refusal,
    answer::Count,
    body::Progress,
    governor::{Call, Governor, Turn},
    target::Target,
};
use crate::{
    Actor, Keyhaven, Millis,
    egress::{self, Answered, Door, Outward, Way},
    http1::{Fields, Head, Reply},
    usage,
};

/// So much of an answer of “too many” is read, to tell its kinds apart.
const MAX_REFUSAL: usize = 64 * 1024;
/// A read is repeated once, if the app asks for no longer wait than this.
const PATIENCE: Duration = Duration::from_secs(5);

/// An answer, and what the app has not read of the request.
type Sent<B> = (Reply<B>, Option<Progress>);

/// A request that is ready, but for the credential.
pub(super) struct Outbound<'a> {
    pub app: &'a Arc<Keyhaven>,
    pub door: &'a Door,
    pub target: &'a Target,
    pub way: &'a Way,
    pub method: &'a Method,
    pub path: egress::Path<'a>,
    pub outward: Arc<Outward>,
    pub call: Call<'a>,
    pub count: &'a mut Count,
    pub now: Millis,
}

impl Outbound<'_> {
    pub(super) async fn go(&mut self, body: &mut Payload) -> Result<Sent<Payload<Answered>>, Refusal> {
        let repeatable = matches!(*self.method, Method::GET | Method::HEAD) && body.is_end_stream();
        let (first, rest) = self.once(body).await?;
        match &self.target.governor {
            Some(governor) if self.is_too_many(governor, &first.head) => {
                Box::pin(self.again(governor, first, rest, repeatable)).await
            }
            _ => Ok((first.map(Payload::from), rest)),
        }
    }

    /// Repeats what was too many, if that is soon worth it.
    async fn again(
        &mut self,
        governor: &Arc<Governor>,
        first: Reply<Answered>,
        rest: Option<Progress>,
        repeatable: bool,
    ) -> Result<Sent<Payload<Answered>>, Refusal> {
        let (first, reason, wait) = self.refused(governor, first).await;
        if reason != Reason::RateLimited || !repeatable || wait > PATIENCE {
            return Ok((first, rest));
        }
        match self.once(&mut Payload::default()).await {
            // Refused by ourselves by now: the app's own answer tells more.
            Err(refusal) if refusal.status == 429 => Ok((first, rest)),
            Err(refusal) => Err(refusal),
            Ok((second, rest)) if self.is_too_many(governor, &second.head) => {
                Ok((self.refused(governor, second).await.0, rest))
            }
            Ok((second, rest)) => Ok((second.map(Payload::from), rest)),
        }
    }

    /// Waits for its turn, adds the credential, sends.
    async fn once(&mut self, body: &mut Payload) -> Result<Sent<Answered>, Refusal> {
        let turn = match &self.target.governor {
            Some(governor) => governor.admit(&self.call, self.now).await?,
            None => Turn::now(),
        };
        self.count.goes_out(self.call.cost, turn);
        let credential = self.target.open_credential()?;
        let asked = egress::Asked {
            method: self.method,
            path: &self.path,
            outward: &self.outward,
            credential: Some(credential),
        };
        let progress = body.watch();
        let answer = self.door.pass(self.way, &asked, body);
        match within(self.door, answer, progress.as_ref(), turn.at, self.app.egress.answer_timeout()).await {
            Ok(answer) => Ok((answer, progress)),
            Err(fault) => {
                if let Some(governor) = &self.target.governor {
                    governor.give_back(&self.call);
                }
                let is_broken = progress.as_ref().is_some_and(Progress::is_broken);
                let is_awaited = progress.as_ref().is_some_and(Progress::is_awaited);
                if let Some(rest) = progress.and_then(Progress::rest) {
                    *body = Payload::from(rest);
                }
                Err(match fault {
                    Fault::TimedOut if is_awaited => Refusal::stalled(),
                    _ if is_broken && is_awaited => Refusal::stalled(),
                    _ if is_broken => Refusal::broken_off(),
                    fault => fault.into(),
                })
            }
        }
    }

    /// Takes note of what the answer says of limits. Is it one of “too many”?
    fn is_too_many(&self, governor: &Governor, Head { status, fields, .. }: &Head) -> bool {
        if let Some(told) = governor.heard(fields, self.now) {
            self.app.set_told_budget(&self.target.id, told);
        }
        let status = status.as_u16();
        match status {
            429 => {}
            _ if is_block_page(status, fields) => drop(governor.refused(Reason::Blocked, None)),
            _ => governor.accepted(),
        }
        status == 429
    }

    /// Lets nothing go out today, here and on other servers.
    async fn stop(&self, governor: &Governor, wait: Duration) -> Duration {
        let stop = usage::stop_from(self.app.now(), wait);
        governor.stop(Some(stop.until));
        let (on_main, id) = (self.app.clone(), self.target.id.clone());
        let written = self.app.on_main(async move {
            let ctx = on_main.ctx(Actor::System);
            usage::stop(&on_main, &ctx, &id, stop).await
        });
        if let Err(error) = written.await {
            tracing::error!(%error, "a stop for the day will not outlive this process");
        }
        wait
    }

    /// Reads which kind of “too many” it is, and for how long.
    async fn refused(
        &self,
        governor: &Governor,
        Reply { head, mut body }: Reply<Answered>,
    ) -> (Reply<Payload<Answered>>, Reason, Duration) {
        let (start, is_whole) = beginning(&mut body, self.app.egress.answer_timeout()).await;
        let status = head.status.as_u16();
        let read = Answer { status, headers: head.fields.to_map(), body: start.to_vec() };
        let (reason, wait) = self.target.connector.judge_refusal(&read);
        let wait = match reason {
            Reason::BudgetExhausted => self.stop(governor, wait.unwrap_or(usage::STOP)).await,
            _ => governor.refused(reason, wait),
        };
        let body = if is_whole { Payload::from(start) } else { Payload::resumed(start, body) };
        (Reply { head, body }, reason, wait)
    }
}

/// What comes of a body within a time, up to a bound, and whether that is all of it.
async fn beginning(body: &mut Answered, within: Duration) -> (Bytes, bool) {
    let (mut start, end) = (BytesMut::new(), Instant::now() + within);
    while start.len() <= MAX_REFUSAL {
        match timeout_at(end, body.frame()).await {
            Ok(Some(Ok(frame))) => start.extend_from_slice(frame.data_ref().map_or(&[], |data| data)),
            Ok(None) => return (start.freeze(), true),
            Ok(Some(Err(_))) | Err(_) => break,
        }
    }
    (start.freeze(), false)
}

/// An edge that blocks answers in HTML; an API refuses in its own format.
pub(super) fn is_block_page(status: u16, fields: &Fields) -> bool {
    let kind = || str::from_utf8(fields.get(&header::CONTENT_TYPE)?).ok();
    status == 403 && kind().is_some_and(|kind| kind.to_ascii_lowercase().contains("text/html"))
}

/// Waits for an answer; the time begins anew whenever a piece of the request went out.
async fn within<T>(
    door: &Door,
    answer: impl Future<Output = Result<T, Fault>>,
    progress: Option<&Progress>,
    began: Instant,
    limit: Duration,
) -> Result<T, Fault> {
    let mut answer = std::pin::pin!(answer);
    let mut end = began + limit;
    loop {
        if let Some(answer) = door.until(end, &mut answer).await {
            return answer;
        }
        match progress.map(|progress| progress.last() + limit) {
            Some(later) if later > end => end = later,
            _ => return Err(Fault::TimedOut),
        }
    }
}
