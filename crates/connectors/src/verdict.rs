//! What a verification finds out.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

/// ✓ or !.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// ✓: the app accepted the credential.
    Valid,
    /// !: the app refused it.
    Invalid,
    /// !: it could not be found out.
    Unverified,
}

impl Status {
    /// The machine word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Invalid => "invalid",
            Self::Unverified => "unverified",
        }
    }

    /// Reads the machine word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Valid, Self::Invalid, Self::Unverified].into_iter().find(|status| status.as_str() == word)
    }
}

/// Why: the twelve outcomes that outside programs rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The credential works.
    Ok,
    /// The app does not know the key (any more).
    KeyRejected,
    /// The key is fine, the domain is not its own.
    WrongDomain,
    /// The user may not use the API.
    AccessDenied,
    /// The company's account is not open.
    AccountNotOpen,
    /// Too many requests within seconds.
    RateLimited,
    /// The day's requests are used up.
    BudgetExhausted,
    /// The app's edge blocks this key or address.
    Blocked,
    /// The app is down for a while.
    Maintenance,
    /// The app was not reached.
    Unreachable,
    /// The app did not answer in time.
    TimedOut,
    /// The app answered something unexpected.
    NotUnderstood,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Ok,
        Self::KeyRejected,
        Self::WrongDomain,
        Self::AccessDenied,
        Self::AccountNotOpen,
        Self::RateLimited,
        Self::BudgetExhausted,
        Self::Blocked,
        Self::Maintenance,
        Self::Unreachable,
        Self::TimedOut,
        Self::NotUnderstood,
    ];

    /// The machine word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::KeyRejected => "key_rejected",
            Self::WrongDomain => "wrong_domain",
            Self::AccessDenied => "access_denied",
            Self::AccountNotOpen => "account_not_open",
            Self::RateLimited => "rate_limited",
            Self::BudgetExhausted => "budget_exhausted",
            Self::Blocked => "blocked",
            Self::Maintenance => "maintenance",
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed_out",
            Self::NotUnderstood => "not_understood",
        }
    }

    /// Reads the machine word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }

    /// The status that it makes.
    pub fn status(self) -> Status {
        match self {
            Self::Ok => Status::Valid,
            Self::KeyRejected
            | Self::WrongDomain
            | Self::AccessDenied
            | Self::AccountNotOpen
            | Self::Blocked => Status::Invalid,
            _ => Status::Unverified,
        }
    }

    /// Says nothing about the credential; later it may be known.
    pub fn is_transient(self) -> bool {
        self.status() == Status::Unverified
    }
}

/// Why no answer came; told by whoever sends the requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The name has no address.
    Dns,
    /// Nobody listens there.
    Connect,
    /// The certificate or the encryption does not fit.
    Tls,
    /// No answer in time.
    TimedOut,
    /// The connection broke, or what came is no HTTP.
    Broken,
    /// The answer is larger than any answer should be.
    TooLarge,
    /// The name leads to a private address.
    RefusedAddress,
    /// The host is not one of the connector's.
    NotAllowed,
}

impl Fault {
    pub(crate) fn verdict(self) -> Verdict {
        let (reason, detail) = match self {
            Self::Dns => (Reason::Unreachable, "dns"),
            Self::Connect => (Reason::Unreachable, "connect"),
            Self::Tls => (Reason::Unreachable, "tls"),
            Self::Broken => (Reason::Unreachable, "broken"),
            Self::RefusedAddress => (Reason::Unreachable, "refused_address"),
            Self::NotAllowed => (Reason::Unreachable, "not_allowed"),
            Self::TimedOut => return Verdict::new(Reason::TimedOut),
            Self::TooLarge => (Reason::NotUnderstood, "too_large"),
        };
        Verdict::new(reason).with_detail(detail)
    }
}

/// Who the key belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Account {
    /// The person's name.
    pub user: Option<String>,
    /// The person's mail address.
    pub email: Option<String>,
    /// The company's name.
    pub company: Option<String>,
    /// The company's id with the app.
    pub company_id: Option<String>,
    /// The company's domain with the app.
    pub domain: Option<String>,
    /// Is the person an administrator there?
    pub admin: Option<bool>,
}

impl Account {
    /// `Ada · Acme Ltd`.
    pub fn line(&self) -> String {
        let parts = [&self.user, &self.company].into_iter().flatten();
        parts.map(String::as_str).collect::<Vec<_>>().join(" · ")
    }

    /// Do both belong to one company? Told by its id, else by its domain; unknown counts as the same.
    pub fn is_same_company(&self, other: &Self) -> bool {
        match (&self.company_id, &other.company_id, &self.domain, &other.domain) {
            (Some(one), Some(two), _, _) | (_, _, Some(one), Some(two)) => one == two,
            _ => true,
        }
    }
}

/// A value that would put the connection right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suggestion {
    /// The field to change.
    pub field: String,
    /// The value to give it.
    pub value: String,
}

/// The outcome of a verification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Why.
    pub reason: Reason,
    /// A finer machine word, such as `dns` for `unreachable`.
    #[serde(default)]
    pub detail: Option<String>,
    /// Who the key belongs to, where the app said so.
    #[serde(default)]
    pub account: Option<Account>,
    /// What would put it right.
    #[serde(default)]
    pub suggestion: Option<Suggestion>,
    /// Values of fields that were left empty and that the app told.
    #[serde(default)]
    pub learned: BTreeMap<String, String>,
    /// How long to wait, where the app said so.
    #[serde(default)]
    pub retry_after: Option<Duration>,
    /// The status of the answer that decided.
    #[serde(default)]
    pub http_status: Option<u16>,
}

impl Verdict {
    /// A verdict that says no more than its reason.
    pub fn new(reason: Reason) -> Self {
        Self {
            reason,
            detail: None,
            account: None,
            suggestion: None,
            learned: BTreeMap::new(),
            retry_after: None,
            http_status: None,
        }
    }

    pub(crate) fn with_detail(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }
}
