//! Who does something, in which workspace, and when.

use std::{fmt, net::IpAddr, sync::Arc};

use keyhaven_store::{Scope, StoreError, Tx};

use crate::{
    Error,
    policy::{Denied, Policy},
};

/// Milliseconds since 1970-01-01 UTC: how every point in time is written.
pub type Millis = i64;

/// Where the time of day comes from; tests hold it still.
pub trait Clock: Send + Sync {
    /// Now, in milliseconds since 1970-01-01 UTC.
    fn now(&self) -> Millis;
}

/// Where randomness for ids and jitter comes from. Keys and tokens take theirs in the vault.
pub trait Rng: Send + Sync {
    /// Fills `bytes` with random bytes.
    fn fill(&self, bytes: &mut [u8]);
}

/// The machine's clock.
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where the time of day is read")]
    fn now(&self) -> Millis {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.map_or(0, |since| since.as_millis() as Millis)
    }
}

/// The operating system's randomness.
pub struct SystemRng;

impl Rng for SystemRng {
    #[expect(clippy::expect_used, reason = "a system without randomness cannot go on safely")]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system gives randomness");
    }
}

/// Whoever does something; written into the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Keyhaven itself: background checks, clean-up.
    System,
    /// A person who signed in with a one-time link.
    Session,
    /// A program with an access token; its id.
    Token(Arc<str>),
    /// Somebody at the command line of this machine.
    CommandLine,
    /// A saved sync; its id.
    Sync(String),
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("system"),
            Self::Session => f.write_str("session"),
            Self::Token(id) => write!(f, "token:{id}"),
            Self::CommandLine => f.write_str("command-line"),
            Self::Sync(id) => write!(f, "sync:{id}"),
        }
    }
}

/// What every use case is called with.
#[derive(Clone)]
pub struct Ctx {
    /// Whoever does it.
    pub actor: Actor,
    /// The tenant; nothing is read or written outside it.
    pub workspace: Arc<str>,
    /// Address of the client, where there is one; for the audit log.
    pub client: Option<IpAddr>,
    /// What they may do: the access token's limits; for all others none.
    pub policy: Arc<Policy>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
}

impl Ctx {
    /// Now, by the clock that came in.
    pub fn now(&self) -> Millis {
        self.clock.now()
    }

    /// The same, with the address that the request came from.
    pub(crate) fn with_client(mut self, client: Option<IpAddr>) -> Self {
        self.client = client;
        self
    }

    /// Asked by every use case that changes something.
    pub fn may_change(&self) -> Result<(), Error> {
        if self.policy.read_only { Err(Denied::ReadOnly.into()) } else { Ok(()) }
    }

    /// Asked by every use case that touches a connection; `id` may be of one that does not exist.
    pub fn may_use(&self, id: &str) -> Result<(), Error> {
        if self.policy.allows_connection(id) { Ok(()) } else { Err(Denied::Connection.into()) }
    }

    /// Asked before a connection is added: who is limited to some could not use it.
    pub(crate) fn may_add(&self) -> Result<(), Error> {
        self.may_change()?;
        if self.policy.connections.is_some() { Err(Denied::Adding.into()) } else { Ok(()) }
    }

    /// Asked before figures of all connections are shown.
    pub(crate) fn may_see_figures(&self) -> Result<(), Error> {
        if self.policy.connections.is_some() { Err(Denied::Figures.into()) } else { Ok(()) }
    }

    /// Asked by every use case around access tokens: who has any limit could make one without.
    pub(crate) fn may_manage_tokens(&self) -> Result<(), Error> {
        if self.policy.is_unlimited() { Ok(()) } else { Err(Denied::Managing.into()) }
    }

    /// Asked before a sync is saved or changed: it names a database that this server then speaks to.
    pub(crate) fn may_manage_syncs(&self) -> Result<(), Error> {
        if self.policy.is_unlimited() { Ok(()) } else { Err(Denied::Syncing.into()) }
    }

    pub(crate) fn scope(&self) -> Scope {
        Scope { workspace: self.workspace.to_string(), actor: self.actor.to_string(), now: self.now() }
    }

    /// A new id such as `cn_3f9a…`: a prefix that says what it names, and 80 random bits.
    pub(crate) fn new_id(&self, prefix: &str) -> String {
        let mut bytes = [0; 10];
        self.rng.fill(&mut bytes);
        bytes.iter().fold(format!("{prefix}_"), |id, byte| id + &format!("{byte:02x}"))
    }

    /// Writes into the audit log, in the transaction of what it tells.
    pub(crate) async fn audit(&self, tx: &mut Tx, action: &str, subject: &str) -> Result<(), StoreError> {
        self.audit_details(tx, action, subject, &serde_json::json!({})).await
    }

    /// The same, but once an hour: another process may have written it.
    pub(crate) async fn audit_hourly(
        &self,
        tx: &mut Tx,
        action: &str,
        subject: &str,
    ) -> Result<(), StoreError> {
        let client = self.client.map(|client| client.to_string());
        let hour = self.now() - self.now().rem_euclid(crate::usage::HOUR);
        match tx.is_audited(action, subject, client.as_deref(), hour).await? {
            true => Ok(()),
            false => self.audit(tx, action, subject).await,
        }
    }

    /// The same, with what is worth knowing besides; never values of fields.
    pub(crate) async fn audit_details(
        &self,
        tx: &mut Tx,
        action: &str,
        subject: &str,
        details: &serde_json::Value,
    ) -> Result<(), StoreError> {
        self.write(tx, action, subject, &details.to_string()).await
    }

    /// The same for a subject that is gone afterwards: the record keeps its name.
    pub(crate) async fn audit_end(
        &self,
        tx: &mut Tx,
        action: &str,
        subject: &str,
        name: &str,
    ) -> Result<(), StoreError> {
        let details = serde_json::json!({ "name": name }).to_string();
        self.write(tx, action, subject, &details).await
    }

    async fn write(&self, tx: &mut Tx, action: &str, subject: &str, details: &str) -> Result<(), StoreError> {
        let client = self.client.map(|client| client.to_string());
        tx.audit(&self.new_id("au"), action, subject, details, client.as_deref()).await
    }

    /// `span`, longer or shorter by up to a tenth: work that started together drifts apart.
    pub(crate) fn jitter(&self, span: Millis) -> Millis {
        let mut bytes = [0; 2];
        self.rng.fill(&mut bytes);
        let tenth = span / 10;
        span - tenth + 2 * tenth * Millis::from(u16::from_le_bytes(bytes)) / Millis::from(u16::MAX)
    }
}
