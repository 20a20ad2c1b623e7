//! Why Keyhaven does not pass a request on.

use std::time::Duration;

use keyhaven_connectors::Fault;

use super::{credential::Misplaced, governor::Held, path::BadPath};
use crate::{Error, Kind};

/// An answer of Keyhaven's own in place of the app's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// A word for programs.
    pub code: &'static str,
    /// What happened.
    pub message: String,
    /// What to do about it.
    pub remedy: &'static str,
    /// When it is worth trying again.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    pub(super) fn new(
        status: u16,
        code: &'static str,
        message: impl Into<String>,
        remedy: &'static str,
    ) -> Self {
        Self { status, code, message: message.into(), remedy, retry_after: None }
    }

    fn later(message: impl Into<String>, code: &'static str, remedy: &'static str, wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..Self::new(429, code, message, remedy) }
    }

    /// What is no request that can be read; refused with this status.
    pub fn unreadable(status: u16) -> Self {
        let (code, message, remedy) = match status {
            414 => {
                ("address_too_long", "The address is longer than 64 KiB.", "Send in the body what is long.")
            }
            431 => (
                "headers_too_large",
                "The request has more than 100 headers, or they are larger than 400 KiB.",
                "Send fewer or shorter ones.",
            ),
            _ => ("bad_request", "The request is no HTTP that can be read.", "Send it in a plain form."),
        };
        Self::new(status, code, message, remedy)
    }

    /// HTTP/1.1 wants to hear once whom a request asks (RFC 9112, section 3.2).
    pub fn unnamed() -> Self {
        Self::new(
            400,
            "bad_request",
            "The request does not name one host that it asks.",
            "Send one Host header, as every client of HTTP/1.1 does.",
        )
    }

    /// The address holds no connection.
    pub fn no_connection() -> Self {
        Self::new(
            400,
            "bad_path",
            "The address names no connection, or begins with two slashes.",
            "Use /proxy/<connection> and the app's own path behind it, with one slash in between. A base URL that ends with \
             a slash is often the cause.",
        )
    }

    /// The request means another host than the connection's.
    pub(super) fn wrong_host(hosts: &str) -> Self {
        Self::new(
            400,
            "wrong_host",
            format!("The connection does not open the host that x-keyhaven-host names, but only {hosts}."),
            "Name one of these, or leave that header out.",
        )
    }

    /// The caller's part of the exchange is not whole.
    pub(super) fn broken_off() -> Self {
        Self::new(
            400,
            "bad_request",
            "The request broke off, or its body is no HTTP.",
            "Send it again, whole.",
        )
    }

    /// The caller's body stopped coming.
    pub(super) fn stalled() -> Self {
        Self::new(
            408,
            "request_stalled",
            "Nothing more came of the request's body for too long, and so it was given up.",
            "Send it again, without pauses.",
        )
    }

    /// The token's own quota.
    pub(super) fn quota(span: &str, wait: Duration) -> Self {
        let message = format!("This access token has made all the calls that it may make in a {span}.");
        Self::later(
            message,
            "quota_used_up",
            "Wait as long as Retry-After says, or use a token that may make more.",
            wait,
        )
    }
}

/// What to do without a token that opens anything.
const SHOW: &str = "Show a Keyhaven access token (kh_…) where the app would take its key. Make one with: keyhaven token create --name NAME";

impl From<Misplaced> for Refusal {
    fn from(it: Misplaced) -> Self {
        match it {
            Misplaced::Missing => {
                Self::new(401, "not_signed_in", "There is no Keyhaven access token in this request.", SHOW)
            }
            Misplaced::Mistyped => Error::MistypedToken.into(),
            Misplaced::Two => {
                Self::new(400, "two_tokens", "The request holds two different access tokens.", "Send one.")
            }
            Misplaced::Elsewhere => Self::new(
                400,
                "token_misplaced",
                "An access token stands where it would be passed on to the app, and so nothing was sent.",
                "Show it only where the app takes its key, or as “Authorization: Bearer kh_…”.",
            ),
        }
    }
}

impl From<BadPath> for Refusal {
    fn from(it: BadPath) -> Self {
        let message = format!("Nothing was sent: {it}.");
        Self::new(400, "bad_path", message, "Send the path as the app's documentation writes it.")
    }
}

impl From<Held> for Refusal {
    fn from(it: Held) -> Self {
        let wait = "Wait as long as Retry-After says.";
        match it {
            Held::Busy(time) => Self::later(
                "More calls wait for this app than it allows in the next seconds.",
                "too_many_at_once",
                wait,
                time,
            ),
            Held::Paused(time) => Self::later(
                "The app has said that it gets too many requests with this key. Keyhaven leaves it alone, so that it does not block the key.",
                "app_paused",
                wait,
                time,
            ),
            Held::Exhausted(time) => Self::later(
                "The app's budget of today is used up.",
                "budget_exhausted",
                "Wait as long as Retry-After says. The connection's page shows which token used how much.",
                time,
            ),
            Held::Share(time) => Self::later(
                "This access token has used its share of the app's budget of today.",
                "budget_share_used_up",
                "Wait as long as Retry-After says, or use a token with a larger share.",
                time,
            ),
        }
    }
}

impl From<Fault> for Refusal {
    fn from(it: Fault) -> Self {
        let app = "Keyhaven works; the app or the way to it does not. Try again.";
        let unreachable = |what: &str| Self::new(502, "unreachable", what, app);
        match it {
            Fault::Dns => unreachable("The app's host name has no address (DNS)."),
            Fault::Connect => unreachable("Nobody answers at the app's address."),
            Fault::Tls => unreachable("No secure connection to the app can be made (TLS)."),
            Fault::Broken | Fault::TooLarge => {
                unreachable("The app broke the connection off, or what it sent is no HTTP.")
            }
            Fault::TimedOut => Self::new(504, "timed_out", "The app did not answer in time.", app),
            Fault::RefusedAddress => Self::new(
                502,
                "unreachable",
                "The app's host name leads to an address that is not public, which Keyhaven does not dial.",
                "Look at the host name and at the name service of the Keyhaven server.",
            ),
            Fault::NotAllowed => Self::new(
                400,
                "bad_path",
                "This request would not go to the connection's app.",
                "Send the path as the app's documentation writes it.",
            ),
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let status = match error.kind() {
            Kind::BadInput => 400,
            Kind::Unauthorised => 401,
            Kind::Forbidden => 403,
            Kind::NotFound => 404,
            Kind::Conflict => 409,
            Kind::Stale => 412,
            Kind::Unavailable => 503,
            Kind::Internal => 500,
        };
        if status >= 500 {
            tracing::error!(%error, code = error.code(), "a proxied request failed");
        }
        let remedy = if matches!(error, Error::NotSignedIn(_)) { SHOW } else { error.remedy() };
        Self::new(status, error.code(), error.message(), remedy)
    }
}
