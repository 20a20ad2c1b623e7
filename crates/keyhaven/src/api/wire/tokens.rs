//! Access tokens over the wire.

use keyhaven_core::{Millis, tokens};
use serde::{Deserialize, Serialize};

use super::time;
use crate::words::count;

/// One access token. Every limit is named; what is null or empty limits nothing.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AccessToken {
    pub id: String,
    pub name: String,
    /// Its first characters.
    pub hint: String,
    /// `active`, `expired` or `revoked`.
    pub state: String,
    pub connections: Option<Vec<String>>,
    pub read_only: bool,
    pub methods: Vec<String>,
    pub paths: Vec<String>,
    pub per_minute: Option<u32>,
    pub per_day: Option<u32>,
    pub budget_share: Option<u8>,
    pub networks: Vec<String>,
    pub created_at: String,
    pub expires_at: Option<String>,
    pub last_used_at: Option<String>,
    pub revoked_at: Option<String>,
    /// Its text, in the answer that made it and nowhere else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

impl AccessToken {
    pub(crate) fn new(it: &tokens::AccessToken, now: Millis) -> Self {
        let state = match it.revoked_at {
            Some(_) => "revoked",
            None if it.is_live(now) => "active",
            None => "expired",
        };
        let policy = &it.policy;
        Self {
            id: it.id.clone(),
            name: it.name.clone(),
            hint: it.hint.clone(),
            state: state.into(),
            connections: policy.connections.clone(),
            read_only: policy.read_only,
            methods: policy.methods.clone(),
            paths: policy.paths.iter().map(ToString::to_string).collect(),
            per_minute: policy.per_minute,
            per_day: policy.per_day,
            budget_share: policy.budget_share,
            networks: policy.networks.iter().map(ToString::to_string).collect(),
            created_at: time(it.created_at),
            expires_at: it.expires_at.map(time),
            last_used_at: it.last_used_at.map(time),
            revoked_at: it.revoked_at.map(time),
            token: None,
        }
    }

    /// With its text, once.
    pub(crate) fn with_text(self, text: &str) -> Self {
        Self { token: Some(text.into()), ..self }
    }

    /// What it may do with its connections, in some words each; one entry for each limit.
    pub(crate) fn may(&self) -> Vec<String> {
        let mut may = Vec::new();
        may.push(if self.read_only { "read only" } else { "read and change" }.to_owned());
        for (what, of) in [("methods", &self.methods), ("paths", &self.paths), ("from", &self.networks)] {
            if !of.is_empty() {
                may.push(format!("{what} {}", of.join(", ")));
            }
        }
        may.extend(self.per_minute.map(|most| format!("{} a minute", count(most, "call"))));
        may.extend(self.per_day.map(|most| format!("{} a day", count(most, "call"))));
        may.extend(self.budget_share.map(|share| format!("{share} % of the daily budget")));
        may
    }
}
