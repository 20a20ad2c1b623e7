//! Verdicts in words that a person can act on.

use std::{collections::BTreeMap, sync::OnceLock};

use serde::{Deserialize, Serialize};

use crate::{Connector, Verdict};

/// A verdict in words. In a connector's file they may hold placeholders; what a face gets holds none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// Some words, such as “Key not accepted”.
    pub title: String,
    /// What happened, and why.
    pub message: String,
    /// What to do next; empty where there is nothing to do.
    #[serde(default)]
    pub remedy: String,
}

/// Reason, or reason/detail, to words.
pub(crate) type WordTable = BTreeMap<String, Words>;

/// Placeholders besides the plain fields.
pub(crate) const PLACEHOLDERS: [&str; 7] = ["app", "company", "user", "suggested", "wait", "status", "typed"];

const SHARED: &str = include_str!("words.toml");

/// Words for every reason, for connectors that have none of their own.
pub(crate) fn shared() -> &'static WordTable {
    static TABLE: OnceLock<WordTable> = OnceLock::new();
    #[expect(clippy::expect_used, reason = "compiled in, and parsed by a test")]
    TABLE.get_or_init(|| toml::from_str(SHARED).expect("words.toml is in order"))
}

impl Connector {
    /// The verdict in words: the connector's own for this detail or reason, else the shared ones.
    pub fn words(&self, verdict: &Verdict, plain: &BTreeMap<String, String>) -> Words {
        let reason = verdict.reason.as_str();
        let exact = verdict.detail.as_ref().map(|detail| format!("{reason}/{detail}"));
        let find = |table: &'static WordTable| {
            exact.as_ref().and_then(|key| table.get(key)).or_else(|| table.get(reason))
        };
        let own = exact.as_ref().and_then(|key| self.words.get(key)).or_else(|| self.words.get(reason));
        #[expect(clippy::expect_used, reason = "a test sees that every reason has shared words")]
        let words = own.unwrap_or_else(|| find(shared()).expect("shared words for every reason"));
        let fill = |text: &String| self.fill(text, verdict, plain);
        Words { title: fill(&words.title), message: fill(&words.message), remedy: fill(&words.remedy) }
    }

    fn fill(&self, text: &str, verdict: &Verdict, plain: &BTreeMap<String, String>) -> String {
        let account = verdict.account.clone().unwrap_or_default();
        let mut parts = text.split('{');
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let Some((name, rest)) = part.split_once('}') else { continue };
            out += &match name {
                "app" => self.name.clone(),
                "company" => account.company.clone().unwrap_or_else(|| "another company".into()),
                "user" => account.user.clone().unwrap_or_else(|| "its user".into()),
                "suggested" => verdict.suggestion.as_ref().map(|it| it.value.clone()).unwrap_or_default(),
                "status" => {
                    verdict.http_status.map(|status| status.to_string()).unwrap_or_else(|| "?".into())
                }
                "wait" => verdict.retry_after.map_or_else(|| "some minutes".into(), in_words),
                "typed" => {
                    self.belongs_field().and_then(|field| plain.get(field)).cloned().unwrap_or_default()
                }
                field => plain.get(field).cloned().unwrap_or_default(),
            };
            out += rest;
        }
        out
    }

    fn belongs_field(&self) -> Option<&String> {
        self.verify.belongs.as_ref().map(|belongs| &belongs.field)
    }
}

/// `2 seconds`, `66 minutes`, `18 hours`.
fn in_words(wait: std::time::Duration) -> String {
    let seconds = wait.as_secs().max(1);
    match seconds {
        1 => "1 second".into(),
        2..=119 => format!("{seconds} seconds"),
        120..=7199 => format!("{} minutes", seconds.div_ceil(60)),
        _ => format!("{} hours", seconds.div_ceil(3600)),
    }
}
