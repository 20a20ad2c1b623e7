//! `connector.toml`, as written.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{
    Connector, Field, FieldKind, Guide, NameField,
    field::Normaliser,
    request::Auth,
    rules::{AccountPointers, Ask, Belongs, Rule, Verify},
    streams::Streams,
    traffic::{Limits, Use},
    words::WordTable,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Definition {
    pub id: String,
    pub name: String,
    pub summary: String,
    pub category: String,
    pub icon: String,
    pub name_field: NameField,
    pub fields: Vec<FieldDefinition>,
    pub hosts: Vec<String>,
    pub auth: AuthDefinition,
    pub verify: VerifyDefinition,
    #[serde(default, rename = "use")]
    pub in_use: Use,
    #[serde(default)]
    pub limits: Option<Limits>,
    #[serde(default)]
    pub words: WordTable,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FieldDefinition {
    pub id: String,
    pub label: String,
    pub kind: FieldKind,
    pub help: String,
    pub example: String,
    #[serde(default)]
    pub suffix: Option<String>,
    #[serde(default = "yes")]
    pub required: bool,
    #[serde(default)]
    pub step: Option<usize>,
    #[serde(default)]
    pub default: Option<String>,
    #[serde(default)]
    pub normalise: Vec<Normaliser>,
    #[serde(default)]
    pub pattern: Option<String>,
    #[serde(default)]
    pub message: Option<String>,
    /// Values that fit the pattern and are wrong all the same, each with what to say.
    #[serde(default)]
    pub refuse: BTreeMap<String, String>,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(crate) enum AuthDefinition {
    Header { name: String, value: String },
    Basic { user: String, password: String },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VerifyDefinition {
    pub ask: Vec<Ask>,
    pub rules: Vec<Rule>,
    #[serde(default)]
    pub error_code: Option<String>,
    #[serde(default)]
    pub account: AccountPointers,
    #[serde(default)]
    pub belongs: Option<Belongs>,
}

impl Definition {
    /// Takes a definition that was checked. A pattern that does not compile has been refused by then.
    pub(crate) fn into_connector(self, guide: Guide, streams: Option<Streams>) -> Connector {
        Connector {
            id: self.id,
            name: self.name,
            summary: self.summary,
            category: self.category,
            icon: self.icon,
            name_field: self.name_field,
            fields: self.fields.into_iter().map(FieldDefinition::into_field).collect(),
            guide,
            in_use: self.in_use,
            limits: self.limits,
            streams,
            hosts: self.hosts,
            auth: match self.auth {
                AuthDefinition::Header { name, value } => Auth::Header { name, value },
                AuthDefinition::Basic { user, password } => Auth::Basic { user, password },
            },
            verify: Verify {
                asks: self.verify.ask,
                rules: self.verify.rules,
                error_code: self.verify.error_code,
                account: self.verify.account,
                belongs: self.verify.belongs,
            },
            words: self.words,
        }
    }
}

/// A pattern always means the whole value.
pub(crate) fn compile(pattern: &str) -> Result<regex_lite::Regex, regex_lite::Error> {
    regex_lite::RegexBuilder::new(&format!("^(?:{pattern})$")).size_limit(64 * 1024).build()
}

impl FieldDefinition {
    fn into_field(self) -> Field {
        Field {
            pattern: self.pattern.as_deref().and_then(|pattern| compile(pattern).ok()),
            id: self.id,
            label: self.label,
            kind: self.kind,
            help: self.help,
            example: self.example,
            suffix: self.suffix,
            required: self.required,
            step: self.step,
            default: self.default,
            normalise: self.normalise,
            message: self.message,
            refuse: self.refuse,
        }
    }
}
