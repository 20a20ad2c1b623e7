//! One value of the form: how it is put right, and what is refused.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::template::is_label;

/// What kind of value a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// Sealed, masked, never shown again.
    Secret,
    /// Plain text.
    Text,
    /// An https URL.
    Url,
}

/// One step of putting a value right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Normaliser {
    /// White space around it goes.
    Trim,
    /// White space inside goes, too: line breaks from pasting.
    StripSpaces,
    /// Lower case.
    Lowercase,
    /// Of a whole URL or host name, what stands before the field's suffix.
    HostLabel,
    /// Of a URL, scheme, host, port and path, without a slash at the end.
    BaseUrl,
}

/// One value of the form.
#[derive(Clone, Debug)]
pub struct Field {
    /// The machine word.
    pub id: String,
    /// What stands above the box.
    pub label: String,
    /// What kind of value it holds.
    pub kind: FieldKind,
    /// One sentence below the box.
    pub help: String,
    /// An example of a value.
    pub example: String,
    /// What is shown behind the box, such as `.pipedrive.com`.
    pub suffix: Option<String>,
    /// Must it be given?
    pub required: bool,
    /// The step of the guide that tells where to find it, counted from 1.
    pub step: Option<usize>,
    pub(crate) default: Option<String>,
    pub(crate) normalise: Vec<Normaliser>,
    pub(crate) pattern: Option<regex_lite::Regex>,
    pub(crate) message: Option<String>,
    pub(crate) refuse: BTreeMap<String, String>,
}

/// The longest value of any field, in bytes.
pub(crate) const MAX_VALUE: usize = 2048;

/// A field that cannot be accepted, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The field's id.
    pub field: String,
    /// A sentence for a person. Never holds the value.
    pub message: String,
}

impl Field {
    /// Is it sealed?
    pub fn is_secret(&self) -> bool {
        self.kind == FieldKind::Secret
    }

    /// Puts a value right, or says why it cannot be one. An empty value stays empty: whether it may be is
    /// decided by the form as a whole.
    pub fn normalise(&self, value: &str) -> Result<String, String> {
        if value.len() > MAX_VALUE {
            return Err(format!("{} is too long.", self.label));
        }
        // Before anything is put right: what a line break hides must not be joined to what stands before it.
        if value.trim().chars().any(char::is_control) {
            return Err(format!(
                "{} holds a line break or another invisible character. Copy it again.",
                self.label
            ));
        }
        let mut value = value.to_owned();
        for step in &self.normalise {
            value = step.apply(&value, self.suffix.as_deref().unwrap_or_default());
        }
        if value.is_empty() {
            return Ok(value);
        }
        if value.chars().any(char::is_control) {
            return Err(format!("{} ends in an invisible character. Copy it again.", self.label));
        }
        if let Some(message) = self.refuse.get(&value) {
            return Err(message.clone());
        }
        if self.kind == FieldKind::Url {
            check_url(&value)?;
        }
        if self.pattern.as_ref().is_some_and(|pattern| !pattern.is_match(&value)) {
            return Err(self.message.clone().unwrap_or_else(|| format!("This cannot be a {}.", self.label)));
        }
        Ok(value)
    }
}

impl Normaliser {
    fn apply(self, value: &str, suffix: &str) -> String {
        match self {
            Self::Trim => {
                value.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '\u{200b}').into()
            }
            Self::StripSpaces => value.chars().filter(|c| !c.is_whitespace()).collect(),
            Self::Lowercase => value.to_lowercase(),
            Self::HostLabel => host_label(value, suffix),
            Self::BaseUrl => base_url(value),
        }
    }
}

/// `https://acme.pipedrive.com/deal/5?x` → `acme`.
fn host_label(value: &str, suffix: &str) -> String {
    let rest = value.split_once("://").map_or(value, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let host = match host.split_once(':') {
        Some((name, port)) if port.chars().all(|c| c.is_ascii_digit()) => name,
        _ => host,
    };
    let host = host.trim_end_matches('.');
    let label = host.strip_suffix(suffix).unwrap_or(host);
    // Nothing left of something: what was typed is refused, not taken for an empty box.
    if label.is_empty() { value.to_owned() } else { label.to_owned() }
}

/// Adds the scheme where it is missing; drops query, fragment and the last slash. What is no URL stays as it is
/// and is refused afterwards.
fn base_url(value: &str) -> String {
    if value.is_empty() {
        return String::new();
    }
    let whole = if value.contains("://") { value.to_owned() } else { format!("https://{value}") };
    let Ok(mut url) = url::Url::parse(&whole) else { return value.to_owned() };
    url.set_query(None);
    url.set_fragment(None);
    url.as_str().trim_end_matches('/').to_owned()
}

fn check_url(value: &str) -> Result<(), String> {
    let wrong = || "This is no web address; it looks like https://api.example.com.".to_owned();
    let url = url::Url::parse(value).map_err(|_| wrong())?;
    if url.scheme() != "https" {
        return Err(
            "Only https:// addresses can be used: over http:// anybody on the way could read the key.".into(),
        );
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("Leave user name and password out of the address.".into());
    }
    match url.host() {
        Some(url::Host::Domain(name)) if !is_host_name(name) => Err(
            "No host can have this name: between its dots stand letters, digits and hyphens, and no hyphen first or last."
                .into(),
        ),
        Some(_) => Ok(()),
        None => Err(wrong()),
    }
}

/// What is parsed as a URL need not be one that a name service could know. A dot may stand at its end.
fn is_host_name(name: &str) -> bool {
    name.len() <= 253 && name.strip_suffix('.').unwrap_or(name).split('.').all(is_label)
}
