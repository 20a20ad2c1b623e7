//! From a caller who may call to the app, and back.

use std::{future::Future, mem::take, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Method, header, uri::PathAndQuery};
use http_body_util::BodyExt;
use hyper::body::Body;
use keyhaven_connectors::{Answer, Fault, Reason};
use tokio::time::{Instant, timeout_at};

use super::{
    Inbound, Passing, Payload, Refusal,
    answer::Count,
    body::Progress,
    governor::{Call, Governor},
    headers,
    known::Caller,
    location::Asked,
    path,
    target::Target,
};
use crate::{
    Error, Keyhaven, Millis,
    egress::{self, Answered, Door, Outward, Way},
    http1::{Fields, Head, Reply},
    usage::Told,
};

/// So much of an answer of “too many” is read, to tell its kinds apart.
const MAX_REFUSAL: usize = 64 * 1024;
/// A read is repeated once, if the app asks for no longer wait than this.
const PATIENCE: Duration = Duration::from_secs(5);

/// What answers TRACE tells the request as it came, and with it the key.
const NOT_PASSED: [&str; 3] = ["CONNECT", "TRACE", "TRACK"];

/// Leaves the body where it is, as long as nothing of it is sent.
pub(super) async fn send(
    app: &Arc<Keyhaven>,
    door: &Door,
    caller: &Caller,
    target: &Arc<Target>,
    inbound: &mut Inbound,
    (began, now): (Instant, Millis),
) -> Result<Reply<Passing>, Refusal> {
    if NOT_PASSED.iter().any(|it| it.eq_ignore_ascii_case(inbound.method.as_str())) {
        return Err(Refusal::new(
            405,
            "method_not_allowed",
            format!("{} cannot be passed on.", inbound.method),
            "Send the request itself.",
        ));
    }
    let (host, way, prefix) = way(target, inbound.host.as_deref())?;
    if inbound.host.is_some() {
        inbound.path = below(prefix, take(&mut inbound.path))?;
    }
    let read = path::read(&inbound.path)?;
    if inbound.query.as_ref().is_some_and(|query| query.len() > path::MAX) {
        return Err(path::BadPath("the query is longer than 16 KiB").into());
    }
    caller.ctx.policy.permits(&inbound.method, &inbound.path).map_err(Error::from)?;
    let cost = target.connector.limits.as_ref().map_or(1, |limits| limits.cost(&inbound.method, &read));
    let mut count = Count::new(app, caller, target, &inbound.method, &inbound.path, began, now);
    let sent = async {
        caller.meter.spend(&caller.ctx.policy, now)?;
        if caller.ctx.policy.budget_share.is_some() {
            target.look_again(app).await?;
        }
        note_use(app, caller, target, inbound.client, now).await?;
        let mut out = Outbound {
            app,
            door,
            target,
            way,
            method: &inbound.method,
            path: egress::path(path_and_query(prefix, &inbound.path, inbound.query.as_deref()))?,
            outward: inbound.said.outward(&target.credential)?,
            call: Call { caller: &caller.id, share: caller.ctx.policy.budget_share, path: &read, cost },
            count: &mut count,
            now,
        };
        out.go(&mut inbound.body).await
    }
    .await;
    match sent {
        Ok((Reply { mut head, body }, rest)) => {
            app.feedback.answered(app, target, &head, now);
            headers::inwards(&mut head.fields);
            let told = head.fields.get(&header::LOCATION).map(HeaderValue::from_bytes);
            if let Some(Ok(told)) = told
                && let Some((first, _, first_prefix)) = target.ways.first()
            {
                let named = inbound.reached.as_ref().filter(|_| inbound.host.is_none());
                let asked = Asked {
                    connection: &target.id,
                    host,
                    path_and_query: &path_and_query(prefix, &inbound.path, inbound.query.as_deref()),
                    first: (first, first_prefix),
                    reached: named.and_then(|named| named.to_str().ok()),
                };
                head.fields.remove(header::LOCATION);
                let leads = asked.leads(&told);
                leads.into_iter().for_each(|to| head.fields.add(header::LOCATION, to));
            }
            count.answered(head.status.as_u16());
            Ok(Reply { head, body: Passing::new(body, count, rest) })
        }
        Err(refusal) => {
            count.refused(refusal.status);
            Err(refusal)
        }
    }
}

/// As the app gets it, whose own paths begin so.
fn path_and_query(prefix: &str, path: &str, query: Option<&str>) -> String {
    match query {
        None => [prefix, path].concat(),
        Some(query) => [prefix, path, "?", query].concat(),
    }
}

/// The way to the host that was asked for; only those of the connection can be.
fn way<'a>(target: &'a Target, host: Option<&str>) -> Result<(&'a str, &'a Way, &'a str), Refusal> {
    let found = match host {
        None => target.ways.first(),
        Some(host) => target.ways.iter().find(|(one, ..)| one.eq_ignore_ascii_case(host)),
    };
    found
        .map(|(host, way, prefix)| (host.as_str(), way, prefix.as_str()))
        .ok_or_else(|| Fault::NotAllowed.into())
}

/// A whole path at a host, as one below the connection's own.
fn below(prefix: &str, path: String) -> Result<String, Refusal> {
    match path.strip_prefix(prefix) {
        Some("") => Ok("/".into()),
        Some(rest) if rest.starts_with('/') => Ok(rest.to_owned()),
        _ => Err(path::BadPath("the connection opens only paths below its own address").into()),
    }
}

/// The audit log tells who uses what, from where; once an hour each. It is written before anything is sent.
async fn note_use(
    app: &Arc<Keyhaven>,
    caller: &Caller,
    target: &Arc<Target>,
    client: Option<std::net::IpAddr>,
    now: Millis,
) -> Result<(), Refusal> {
    let is_new = caller.meter.is_new(&target.id, client, now);
    if !is_new && !caller.meter.is_due(now) {
        return Ok(());
    }
    let ctx = caller.ctx.clone().with_client(client);
    let (on_main, subject, token) = (app.clone(), target.id.clone(), caller.id.clone());
    let noted = app
        .on_main(async move {
            let mut tx = on_main.store.begin(&ctx.scope()).await?;
            if is_new {
                ctx.audit_hourly(&mut tx, "connection.use", &subject).await?;
            }
            tx.touch_access_token(&token).await?;
            tx.commit().await
        })
        .await;
    noted.map_err(|error| {
        caller.meter.forget();
        Error::from(error).into()
    })
}

/// An answer, and what the app has not read of the request.
type Sent<B> = (Reply<B>, Option<Progress>);

/// A request that is ready, but for the credential.
struct Outbound<'a> {
    app: &'a Arc<Keyhaven>,
    door: &'a Door,
    target: &'a Target,
    way: &'a Way,
    method: &'a Method,
    path: PathAndQuery,
    outward: Arc<Outward>,
    call: Call<'a>,
    count: &'a mut Count,
    now: Millis,
}

impl Outbound<'_> {
    async fn go(&mut self, body: &mut Payload) -> Result<Sent<Payload<Answered>>, Refusal> {
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
        let began = match &self.target.governor {
            Some(governor) => governor.admit(&self.call, self.now).await?,
            None => Instant::now(),
        };
        self.count.goes_out(self.call.cost, began);
        let credential = self.target.open_credential()?;
        let asked = egress::Asked {
            method: self.method,
            path: &self.path,
            outward: &self.outward,
            credential: Some(credential),
        };
        let progress = body.watch();
        let answer = self.door.pass(self.way, &asked, body);
        match within(answer, progress.as_ref(), began, self.app.egress.answer_timeout()).await {
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
        if let Some((limit, remaining)) = governor.heard(fields) {
            let told = Told { limit: limit as i64, remaining: remaining as i64, at: self.now };
            self.app.set_told_budget(&self.target.id, told);
        }
        let status = status.as_u16();
        match status {
            429 => {}
            _ if is_block_page(status, fields) => drop(governor.refused(Reason::Blocked, None, self.now)),
            _ => governor.accepted(),
        }
        status == 429
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
        let wait = governor.refused(reason, wait, self.now);
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
    answer: impl Future<Output = Result<T, Fault>>,
    progress: Option<&Progress>,
    began: Instant,
    limit: Duration,
) -> Result<T, Fault> {
    let mut answer = std::pin::pin!(answer);
    let mut end = began + limit;
    loop {
        if let Ok(answer) = timeout_at(end, &mut answer).await {
            return answer;
        }
        match progress.map(|progress| progress.last() + limit) {
            Some(later) if later > end => end = later,
            _ => return Err(Fault::TimedOut),
        }
    }
}
