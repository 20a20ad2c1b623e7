//! A sync's way to the app: the proxy's own, with its limits, counts and feedback.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, Response, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Body;
use jiff::{Timestamp, fmt::rfc2822};
use keyhaven_connectors::{Connector, Reason, Told};
use keyhaven_sync::{Answer, Budget, Burst, Refused, Source};
use serde_json::Value;
use tokio::time::timeout;

use crate::{
    Ctx, Keyhaven,
    egress::Door,
    http1,
    proxy::{self, Inbound, Refusal, Said},
    remote::Remote,
    usage,
};

/// The largest page.
const MAX_PAGE: usize = 64 * 1024 * 1024;
/// The longest that one takes, however evenly it trickles.
const PAGE_WITHIN: Duration = Duration::from_secs(120);
const MINUTE: Duration = Duration::from_secs(60);
/// Keyhaven's own answers say so.
const ANSWER: &str = "x-keyhaven-answer";

/// Records of one connection.
pub struct AppSource {
    connection: String,
    connector: Connector,
    via: Via,
}

enum Via {
    Here { app: Arc<Keyhaven>, door: Box<Door>, ctx: Ctx },
    There(Box<Remote>),
}

impl AppSource {
    /// With the data of this process.
    pub fn here(app: Arc<Keyhaven>, ctx: Ctx, connection: &str, connector: Connector) -> Self {
        let via = Via::Here { door: Box::new(app.door()), app, ctx };
        Self { connection: connection.to_owned(), connector, via }
    }

    /// Through a server, so that the key stays there.
    pub fn there(remote: Box<Remote>, connection: &str, connector: Connector) -> Self {
        Self { connection: connection.to_owned(), connector, via: Via::There(remote) }
    }

    fn call<'a>(&'a self, path_and_query: &'a str, said: &'a Said) -> Inbound<'a> {
        let (path, query) = match path_and_query.split_once('?') {
            Some((path, query)) => (path, Some(query.into())),
            None => (path_and_query, None),
        };
        Inbound {
            method: Method::GET,
            connection: &self.connection,
            path,
            query,
            said,
            host: None,
            reached: None,
            client: None,
            body: Bytes::new().into(),
        }
    }

    async fn read<B>(&self, answer: Response<B>) -> Result<Answer, Refused>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (head, body) = answer.into_parts();
        let body = timeout(PAGE_WITHIN, Limited::new(body, MAX_PAGE).collect()).await;
        let body = body.map_err(|_| Refused::Broken("a page came too slowly".into()))?;
        let body = body.map_err(|error| match error.is::<LengthLimitError>() {
            true => Refused::TooLarge,
            false => Refused::Broken(error.to_string()),
        })?;
        let body = body.to_bytes();
        let status = head.status.as_u16();
        if head.headers.get(ANSWER).is_some_and(|it| it == "keyhaven") {
            return Err(problem(status, &head.headers, &body));
        }
        if let Some(refused) = self.refusal(status, &head.headers, &body) {
            return Err(refused);
        }
        if body.trim_ascii_start().first() != Some(&b'{') {
            return Err(Refused::Broken("what it sent is no JSON".into()));
        }
        let limits = self.connector.limits.as_ref();
        let header = |name: &HeaderName| http1::number(head.headers.get(name)?.as_bytes().trim_ascii());
        let burst = limits.and_then(|it| burst(it.headers.read(header)));
        let day = limits.and_then(|it| it.budget.as_ref()).map(|it| it.headers.read(header));
        let day =
            day.and_then(|told| Some(Budget { limit: told.limit?, left: told.remaining?, is_told: true }));
        Ok(Answer { body, at: date(&head.headers), budget: day, burst })
    }

    /// What an answer that is no page means. Some apps say so with HTTP 200.
    fn refusal(&self, status: u16, headers: &HeaderMap, body: &Bytes) -> Option<Refused> {
        let says_no = || body.trim_ascii_start().starts_with(br#"{"success":false"#);
        if (200..300).contains(&status) && !says_no() {
            return None;
        }
        let told: Value = serde_json::from_slice(body).unwrap_or_default();
        let code = told["errorCode"].as_u64().and_then(|it| u16::try_from(it).ok());
        let status = if status < 300 { code.unwrap_or(502) } else { status };
        let message = ["error", "message", "error_info"].iter().find_map(|key| told[key].as_str());
        let message = message.map_or_else(|| format!("HTTP {status}"), plain);
        Some(match status {
            400 => Refused::NotUnderstood(message),
            401 => Refused::KeyRejected(message),
            403 if told.is_null() => Refused::Forbidden {
                message: "the app blocks this key".into(),
                remedy: "Stop other programs that use the key for some minutes, then run the sync again."
                    .into(),
            },
            402..=407 | 409 | 410 => Refused::NotHere { status, message },
            429 => {
                let answer =
                    keyhaven_connectors::Answer { status, headers: headers.clone(), body: body.to_vec() };
                match self.connector.judge_refusal(&answer) {
                    (Reason::BudgetExhausted, _) => Refused::BudgetUsedUp,
                    (_, wait) => Refused::Later(wait.unwrap_or(Duration::from_secs(2))),
                }
            }
            _ => Refused::Broken(message),
        })
    }
}

/// Words of the app, bounded and without control characters.
fn plain(words: &str) -> String {
    words.chars().filter(|c| !c.is_control()).take(300).collect()
}

fn burst(told: Told) -> Option<Burst> {
    Some(Burst {
        limit: told.limit?,
        left: told.remaining?,
        reset: Duration::from_secs(told.reset.unwrap_or(2)),
    })
}

fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let text = headers.get(header::DATE)?.to_str().ok()?;
    Some(rfc2822::parse(text).ok()?.timestamp())
}

/// Keyhaven's own answer, from a server.
fn problem(status: u16, headers: &HeaderMap, body: &[u8]) -> Refused {
    let told: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |key: &str| told[key].as_str().unwrap_or_default().to_owned();
    let wait = headers.get(header::RETRY_AFTER).and_then(|it| it.to_str().ok()?.parse().ok());
    refused(status, &text("code"), text("detail"), text("remedy"), wait.map(Duration::from_secs))
}

fn refused(status: u16, code: &str, message: String, remedy: String, wait: Option<Duration>) -> Refused {
    match (status, code) {
        (429, "budget_exhausted") => Refused::BudgetUsedUp,
        (429, "budget_share_used_up") => Refused::ShareUsedUp,
        // That of a minute is waited for, that of a day is not.
        (429, "quota_used_up") if wait.is_none_or(|it| it > MINUTE) => Refused::Forbidden { message, remedy },
        (429, _) => Refused::Later(wait.unwrap_or(Duration::from_secs(2))),
        (403, "not_allowed") => Refused::OutOfReach { message, remedy },
        (500.., _) => Refused::Broken(message),
        _ => Refused::Forbidden { message, remedy },
    }
}

impl From<Refusal> for Refused {
    fn from(it: Refusal) -> Self {
        refused(it.status, it.code, it.message, it.remedy.to_owned(), it.retry_after)
    }
}

impl Source for AppSource {
    async fn get(&self, path_and_query: &str) -> Result<Answer, Refused> {
        let said = HeaderMap::new().into();
        let call = self.call(path_and_query, &said);
        match &self.via {
            Via::Here { app, door, ctx } => {
                self.read(proxy::at_hand(app, door, ctx, call).await?.into()).await
            }
            Via::There(remote) => {
                let places = proxy::Places { header: &header::AUTHORIZATION, query: &[] };
                let answer = remote.pass(call, &places).await;
                self.read(answer.map_err(|error| Refused::Broken(error.to_string()))?).await
            }
        }
    }

    fn cost(&self, path: &str) -> u64 {
        self.connector.limits.as_ref().map_or(1, |limits| limits.cost(&Method::GET, path)).into()
    }

    async fn budget(&self) -> Option<Budget> {
        let per_day = self.connector.limits.as_ref()?.budget.as_ref()?.per_day;
        let assumed = Budget { limit: per_day, left: per_day, is_told: false };
        let Via::Here { app, ctx, .. } = &self.via else { return Some(assumed) };
        let Ok(budget) = usage::budget(app, ctx, &self.connection).await else { return Some(assumed) };
        let (limit, used) = (budget.limit.map_or(per_day, i64::unsigned_abs), budget.used.unsigned_abs());
        let is_told = budget.source == usage::Counted::ByApp;
        Some(Budget { limit, left: limit.saturating_sub(used), is_told })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_of_a_minute_is_waited_for_and_one_of_a_day_is_not() {
        let after = |wait: Option<u64>| {
            let wait = wait.map(Duration::from_secs);
            refused(429, "quota_used_up", "all the calls".into(), "Wait".into(), wait)
        };
        assert!(matches!(after(Some(59)), Refused::Later(wait) if wait.as_secs() == 59));
        assert!(
            matches!(after(Some(7_200)), Refused::Forbidden { message, .. } if message == "all the calls")
        );
        assert!(matches!(after(None), Refused::Forbidden { .. }));
    }
}
