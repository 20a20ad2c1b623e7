//! From a caller who may call to the app, and back.

use std::sync::Arc;

use http::{HeaderValue, header};
use tokio::time::Instant;

use super::{
    Inbound, Passing, Refusal, answer::Count, governor::Call, headers, known::Caller, location::Asked,
    meter::News, outbound::Outbound, path, target::Target,
};
use crate::{
    Error, Keyhaven, Millis,
    egress::{self, Door, Way},
    http1::Reply,
};

/// What answers TRACE tells the request as it came, and with it the key.
const NOT_PASSED: [&str; 3] = ["CONNECT", "TRACE", "TRACK"];
/// The longest that is registered has half as many letters.
const MAX_METHOD: usize = 32;

/// Leaves the body where it is, as long as nothing of it is sent.
pub(super) async fn send(
    app: &Arc<Keyhaven>,
    door: &Door,
    caller: &Caller,
    target: &Arc<Target>,
    inbound: &mut Inbound<'_>,
    (began, now): (Instant, Millis),
) -> Result<Reply<Passing>, Refusal> {
    may_pass(inbound.method.as_str())?;
    let (way, prefix) = way(target, inbound.host)?;
    if inbound.host.is_some() {
        inbound.path = below(prefix, inbound.path)?;
    }
    let read = path::read(inbound.path)?;
    if inbound.query.as_ref().is_some_and(|query| query.len() > path::MAX) {
        return Err(path::BadPath("the query is longer than 16 KiB").into());
    }
    caller.ctx.policy.permits(&inbound.method, inbound.path).map_err(Error::from)?;
    let cost = target.connector.limits.as_ref().map_or(1, |limits| limits.cost(&inbound.method, &read));
    let mut count = Count::new(app, caller, target, &inbound.method, inbound.path, began, now);
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
            path: egress::Path::new(prefix, inbound.path, inbound.query.as_deref())?,
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
            app.feedback.answered(app, target, &head);
            headers::inwards(&mut head.fields);
            let told = head.fields.get(&header::LOCATION).map(HeaderValue::from_bytes);
            if let Some(Ok(told)) = told
                && let Some((_, first, first_prefix)) = target.ways.first()
            {
                let asked = Asked {
                    connection: &target.id,
                    host: way.named(),
                    path_and_query: &path_and_query(prefix, inbound.path, inbound.query.as_deref()),
                    first: (first.named(), first_prefix),
                    reached: inbound.reached.filter(|_| inbound.host.is_none()),
                };
                head.fields.remove(header::LOCATION);
                let leads = asked.leads(&told);
                leads.iter().for_each(|to| head.fields.add(&header::LOCATION, to));
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

fn may_pass(method: &str) -> Result<(), Refusal> {
    let refused = |message, remedy| Err(Refusal::new(405, "method_not_allowed", message, remedy));
    if method.len() > MAX_METHOD {
        return refused(
            format!("The method is longer than {MAX_METHOD} letters."),
            "Use one that the app knows.",
        );
    }
    if NOT_PASSED.iter().any(|it| it.eq_ignore_ascii_case(method)) {
        return refused(format!("{method} cannot be passed on."), "Send the request itself.");
    }
    Ok(())
}

/// As the app gets it, whose own paths begin so.
fn path_and_query(prefix: &str, path: &str, query: Option<&str>) -> String {
    match query {
        None => [prefix, path].concat(),
        Some(query) => [prefix, path, "?", query].concat(),
    }
}

/// The way to the host that was asked for; only those of the connection can be.
fn way<'a>(target: &'a Target, host: Option<&str>) -> Result<(&'a Way, &'a str), Refusal> {
    let found = match host {
        None => target.ways.first(),
        Some(asked) => {
            let asked = asked.strip_suffix(":443").unwrap_or(asked);
            let is_it = |host: &str| host.eq_ignore_ascii_case(asked);
            target.ways.iter().find(|(host, way, _)| is_it(host) || is_it(way.named()))
        }
    };
    let opened = || target.ways.iter().map(|(_, way, _)| way.named()).collect::<Vec<_>>().join(", ");
    found.map(|(_, way, prefix)| (way, prefix.as_str())).ok_or_else(|| Refusal::wrong_host(&opened()))
}

/// A whole path at a host, as one below the connection's own.
fn below<'a>(prefix: &str, path: &'a str) -> Result<&'a str, Refusal> {
    match path.strip_prefix(prefix) {
        Some("") => Ok("/"),
        Some(rest) if rest.starts_with('/') => Ok(rest),
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
    let Some(news) = caller.meter.news(&target.id, client, now) else { return Ok(()) };
    let ctx = caller.ctx.clone().with_client(client);
    let (on_main, subject, token) = (app.clone(), target.id.clone(), caller.id.clone());
    let noted = app
        .on_main(async move {
            let mut tx = on_main.store.begin(&ctx.scope()).await?;
            if let News::Place = news {
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
