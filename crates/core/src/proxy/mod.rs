//! The reverse proxy: takes a caller's access token out of a request and puts the app's credential in.

mod answer;
mod body;
mod credential;
mod feedback;
mod governor;
pub mod headers;
mod known;
mod location;
mod meter;
mod outbound;
pub mod path;
mod refusal;
mod said;
mod send;
mod target;

use std::{borrow::Cow, mem::take, net::IpAddr, sync::Arc};

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use tokio::time::Instant;

pub use answer::Passing;
pub use body::{BrokenBody, Flow, Payload};
pub(crate) use feedback::Feedback;
use known::Caller;
pub(crate) use known::{FRESH, Known};
pub use refusal::Refusal;
pub use said::Said;

use crate::{Ctx, Error, Keyhaven, egress::Door, http1::Reply, names, policy::Denied};
pub use credential::Places;
pub(crate) use credential::stripped;

/// Names one of the connection's hosts, for callers that mean another than the first.
pub const HOST: HeaderName = HeaderName::from_static("x-keyhaven-host");

/// A request as it came.
pub struct Inbound<'a> {
    /// The method.
    pub method: Method,
    /// Id or slug of the connection.
    pub connection: &'a str,
    /// The path for the app, as it was sent; begins with a slash. Below the connection's own, unless a host is named.
    pub path: &'a str,
    /// What stood behind the question mark.
    pub query: Option<Cow<'a, str>>,
    /// Its headers.
    pub said: &'a Said,
    /// One of the connection's hosts, for whoever means it and not the first. The path is then the whole one there.
    pub host: Option<&'a str>,
    /// Name and port by which Keyhaven was reached, where it was: redirects are named so.
    pub reached: Option<&'a str>,
    /// Where it came from.
    pub client: Option<IpAddr>,
    /// Its body.
    pub body: Payload,
}

/// Passes a request on for whoever shows an access token.
pub async fn by_token(
    app: &Arc<Keyhaven>,
    door: &Door,
    inbound: &mut Inbound<'_>,
) -> Result<Reply<Passing>, Refusal> {
    let answer = admitted(app, door, inbound).await;
    if answer.is_err() {
        take(&mut inbound.body).drain();
    }
    answer
}

async fn admitted(
    app: &Arc<Keyhaven>,
    door: &Door,
    inbound: &mut Inbound<'_>,
) -> Result<Reply<Passing>, Refusal> {
    inbound.said.is_framed_once()?;
    let began = Instant::now();
    app.known.refresh(app, began).await?;
    let target = app.known.target(app, inbound.connection).await;
    let now = app.now();
    // Whoever shows no token learns nothing of what there is.
    let places = match &target {
        Ok(target) => Some(Places { header: &target.credential, query: &target.connector.in_use.query }),
        Err(_) => None,
    };
    let found = credential::find(inbound.said, inbound.path, take(&mut inbound.query), places.as_ref())?;
    inbound.query = found.query;
    let caller = app.known.caller(app, found.token, inbound.client, now).await?;
    let target = match target {
        Ok(target) if *target.row.workspace == *caller.ctx.workspace => target,
        // The same as for one that it may not use, so that nobody can look for names.
        Ok(_) | Err(Error::NotFound { .. }) if caller.ctx.policy.connections.is_some() => {
            return Err(Error::from(Denied::Connection).into());
        }
        Ok(_) => return Err(Error::no_connection(&names::shown(inbound.connection)).into()),
        Err(error) => return Err(error.into()),
    };
    caller.ctx.may_use(&target.id)?;
    send::send(app, door, &caller, &target, inbound, (began, now)).await
}

/// What two readers could take for two requests goes nowhere.
fn framed_once(headers: &HeaderMap) -> Result<(), Refusal> {
    let refused = |message: &str, remedy| Err(Refusal::new(400, "bad_request", message, remedy));
    for (name, message) in [
        (header::HOST, "The request has two Host headers."),
        (HOST, "The request has two headers x-keyhaven-host."),
    ] {
        if headers.get_all(name).iter().nth(1).is_some() {
            return refused(message, "Send one.");
        }
    }
    let is_chunked = |value: &HeaderValue| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked");
    if !headers.get_all(header::TRANSFER_ENCODING).iter().all(is_chunked) {
        return refused(
            "The body is encoded in another way than chunked.",
            "Send the request in a plain form.",
        );
    }
    Ok(())
}

/// Passes a request on for somebody at the command line of this machine.
pub async fn at_hand(
    app: &Arc<Keyhaven>,
    door: &Door,
    ctx: &Ctx,
    mut inbound: Inbound<'_>,
) -> Result<Reply<Passing>, Refusal> {
    let began = Instant::now();
    app.known.refresh(app, began).await?;
    let target = app.known.target(app, inbound.connection).await?;
    let now = ctx.now();
    inbound.query = stripped(inbound.query, &target.connector.in_use.query);
    let id = ctx.actor.to_string();
    let caller = Caller { meter: app.known.meter(&id), id: id.into(), ctx: ctx.clone() };
    send::send(app, door, &caller, &target, &mut inbound, (began, now)).await
}
