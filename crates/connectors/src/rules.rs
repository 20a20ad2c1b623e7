//! From an answer to a verdict, by a connector's rules.

use std::{sync::OnceLock, time::Duration};

use http::HeaderMap;
use serde::Deserialize;
use serde_json::Value;

use crate::{Account, Answer, Reason};

/// How a connector is verified.
#[derive(Clone, Debug)]
pub(crate) struct Verify {
    pub asks: Vec<Ask>,
    pub rules: Vec<Rule>,
    /// Where the body tells the real status of an answer that claims success.
    pub error_code: Option<String>,
    pub account: AccountPointers,
    pub belongs: Option<Belongs>,
}

/// One question to the app.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ask {
    pub id: String,
    #[serde(default)]
    pub needs: Vec<String>,
    pub url: String,
}

/// If all that it names fits the answer, the rule decides.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Rule {
    pub of: Option<String>,
    pub status: Option<Vec<u16>>,
    /// First digit of the status.
    pub class: Option<u16>,
    pub content_type: Option<String>,
    pub contains: Option<String>,
    pub header: Option<HeaderTest>,
    pub json: Option<JsonTest>,
    /// The next question, where this answer leaves it open.
    pub ask: Option<String>,
    pub reason: Option<Reason>,
    pub detail: Option<String>,
    /// Seconds to wait, where the answer does not say.
    pub wait: Option<u64>,
}

const SHARED: &str = include_str!("rules.toml");

/// What answers mean with nearly every app; tried after a connector's own rules.
fn shared() -> &'static [Rule] {
    #[derive(Deserialize)]
    struct File {
        rules: Vec<Rule>,
    }
    static RULES: OnceLock<File> = OnceLock::new();
    #[expect(clippy::expect_used, reason = "compiled in, and read by every test")]
    &RULES.get_or_init(|| toml::from_str(SHARED).expect("rules.toml is in order")).rules
}

impl Verify {
    /// The rule that decides about an answer.
    pub(crate) fn rule_for(&self, reading: &Reading<'_>) -> Option<&Rule> {
        self.rules.iter().chain(shared()).find(|rule| reading.fits(rule))
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HeaderTest {
    pub name: String,
    pub at_least: Option<i64>,
    pub at_most: Option<i64>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct JsonTest {
    pub at: String,
    /// Absent: it only has to be there, and not null.
    pub equals: Option<toml::Value>,
}

/// JSON pointers to what the app tells of the account.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AccountPointers {
    pub user: Option<String>,
    pub email: Option<String>,
    pub company: Option<String>,
    pub company_id: Option<String>,
    pub domain: Option<String>,
    pub admin: Option<AdminTest>,
}

/// Admin is whoever has an entry with all these values in the list.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AdminTest {
    pub list: String,
    pub entry: toml::Table,
}

/// The field that names the company, and where the answer tells the right one.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Belongs {
    pub field: String,
    pub equals: String,
}

/// An answer, read once.
pub(crate) struct Reading<'a> {
    pub ask: &'a str,
    pub status: u16,
    headers: &'a HeaderMap,
    text: String,
    json: Value,
}

impl<'a> Reading<'a> {
    pub(crate) fn of(ask: &'a str, answer: &'a Answer, error_code: Option<&str>) -> Self {
        let text = String::from_utf8_lossy(&answer.body).to_lowercase();
        let json = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
        // Some apps answer 200 and tell the error in the body only.
        let told = error_code.and_then(|at| json.pointer(at)).and_then(Value::as_u64);
        let told = told.and_then(|code| u16::try_from(code).ok()).filter(|code| (400..600).contains(code));
        let status = if answer.status == 200 { told.unwrap_or(200) } else { answer.status };
        Self { ask, status, headers: &answer.headers, text, json }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    fn fits(&self, rule: &Rule) -> bool {
        rule.of.as_ref().is_none_or(|of| of == self.ask)
            && rule.status.as_ref().is_none_or(|all| all.contains(&self.status))
            && rule.class.is_none_or(|class| class == self.status / 100)
            && rule.content_type.as_ref().is_none_or(|want| {
                self.header("content-type").is_some_and(|got| got.to_lowercase().contains(want.as_str()))
            })
            && rule.contains.as_ref().is_none_or(|want| self.text.contains(want.as_str()))
            && rule.header.as_ref().is_none_or(|test| self.header_fits(test))
            && rule.json.as_ref().is_none_or(|test| self.json_fits(test))
    }

    fn header_fits(&self, test: &HeaderTest) -> bool {
        let number = self.header(&test.name).and_then(|value| value.trim().parse::<i64>().ok());
        number.is_some_and(|n| {
            test.at_least.is_none_or(|min| n >= min) && test.at_most.is_none_or(|max| n <= max)
        })
    }

    fn json_fits(&self, test: &JsonTest) -> bool {
        let found = self.json.pointer(&test.at).filter(|value| !value.is_null());
        match (found, &test.equals) {
            (Some(found), Some(want)) => same(found, want),
            (found, None) => found.is_some(),
            (None, Some(_)) => false,
        }
    }

    /// How long until it is worth trying again, as the app tells it in seconds, else as the rule does. Only a short
    /// limit is told by `x-ratelimit-reset`, and none is worth a long sleep: some apps tell a point in time there.
    pub(crate) fn wait(&self, reason: Reason, or: Option<u64>) -> Option<Duration> {
        let (names, longest) = match reason {
            Reason::RateLimited => (&["retry-after", "x-ratelimit-reset"][..], 300),
            _ => (&["retry-after"][..], 86_400),
        };
        let told = names.iter().find_map(|name| self.seconds(self.header(name)?.trim()));
        told.or(or).map(|seconds| Duration::from_secs(seconds.min(longest)))
    }

    /// A number of seconds, or a date as HTTP writes it. By the answer's own clock: the two need not agree on the time.
    fn seconds(&self, told: &str) -> Option<u64> {
        told.parse().ok().or_else(|| {
            let until = httpdate::parse_http_date(told).ok()?;
            let now = httpdate::parse_http_date(self.header("date")?).ok()?;
            Some(until.duration_since(now).unwrap_or_default().as_secs())
        })
    }

    /// What the app says at this pointer, fit to be shown: bounded, and without control characters.
    pub(crate) fn word(&self, at: Option<&String>) -> Option<String> {
        let word = match self.json.pointer(at?)? {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        let clean: String = word.chars().filter(|c| !steers(*c)).take(200).collect();
        Some(clean.trim().to_owned()).filter(|word| !word.is_empty())
    }

    pub(crate) fn account(&self, at: &AccountPointers) -> Option<Account> {
        let account = Account {
            user: self.word(at.user.as_ref()),
            email: self.word(at.email.as_ref()),
            company: self.word(at.company.as_ref()),
            company_id: self.word(at.company_id.as_ref()),
            domain: self.word(at.domain.as_ref()),
            admin: at.admin.as_ref().and_then(|test| self.is_admin(test)),
        };
        (account.user.is_some() || account.company.is_some()).then_some(account)
    }

    /// Unknown, where the app gives no such list.
    fn is_admin(&self, test: &AdminTest) -> Option<bool> {
        let fits = |entry: &Value| {
            test.entry.iter().all(|(key, want)| entry.get(key).is_some_and(|got| same(got, want)))
        };
        Some(self.json.pointer(&test.list)?.as_array()?.iter().any(fits))
    }
}

fn same(found: &Value, want: &toml::Value) -> bool {
    match (found, want) {
        (Value::Bool(found), toml::Value::Boolean(want)) => found == want,
        (Value::String(found), toml::Value::String(want)) => found == want,
        (Value::Number(found), toml::Value::Integer(want)) => found.as_i64() == Some(*want),
        _ => false,
    }
}

/// Controls, and marks that break lines or turn the direction of the text around them.
pub(crate) fn steers(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}
