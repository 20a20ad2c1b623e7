//! What a definition may say. Connectors come from strangers, too: none may send a key anywhere but to its app.

mod guide;
mod hosts;
mod verification;

use std::collections::{BTreeMap, BTreeSet};

use http::HeaderName;

use crate::{
    FieldKind, Guide, Reason,
    definition::{AuthDefinition, Definition, compile},
    headers,
    rules::steers,
    template,
    words::PLACEHOLDERS,
};

/// Where in the file, and what is wrong there.
pub(crate) type Finding = (String, String);

const MAX_FIELDS: usize = 12;
const MAX_TEXT: usize = 600;
const MAX_PATH: usize = 200;

/// Everything that is wrong with a definition.
pub(crate) fn check(
    it: &Definition,
    folder: &str,
    guide: &Guide,
    files: &BTreeMap<String, Vec<u8>>,
) -> Vec<Finding> {
    let mut found = Findings::default();
    identity(it, folder, files, &mut found);
    fields(it, guide, &mut found);
    hosts::hosts(it, &mut found);
    auth(it, &mut found);
    verification::verification(it, &mut found);
    traffic(it, &mut found);
    words(it, &mut found);
    guide::prose(guide, &mut found);
    guide::pictures(guide, files, &mut found);
    found.0
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn unless(&mut self, fine: bool, at: impl Into<String>, message: impl Into<String>) {
        if !fine {
            self.0.push((at.into(), message.into()));
        }
    }
}

fn is_word(text: &str, also: char) -> bool {
    let first = text.bytes().next().is_some_and(|c| c.is_ascii_lowercase());
    first
        && text.len() <= 40
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == also)
}

fn is_plain(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= MAX_TEXT && !text.chars().any(steers)
}

fn identity(it: &Definition, folder: &str, files: &BTreeMap<String, Vec<u8>>, found: &mut Findings) {
    found.unless(
        is_word(&it.id, '-'),
        "id",
        "must be lower-case letters, digits and hyphens, such as my-app",
    );
    found.unless(it.id == folder, "id", format!("must be the name of its folder, “{folder}”"));
    for (at, text) in [("name", &it.name), ("summary", &it.summary), ("category", &it.category)] {
        found.unless(is_plain(text), at, "must be one line of text");
    }
    found.unless(files.contains_key(&it.icon), "icon", "must name a file of this folder");
    for text in [&it.name_field.help, &it.name_field.example] {
        found.unless(is_plain(text), "name_field", "help and example must be one line of text each");
    }
}

fn fields(it: &Definition, guide: &Guide, found: &mut Findings) {
    found.unless((1..=MAX_FIELDS).contains(&it.fields.len()), "fields", "there must be 1 to 12 fields");
    let mut seen = BTreeSet::new();
    for (n, field) in it.fields.iter().enumerate() {
        let at = |key: &str| format!("fields.{n}.{key}");
        let fresh =
            field.id != "name" && seen.insert(&field.id) && !PLACEHOLDERS.contains(&field.id.as_str());
        found.unless(is_word(&field.id, '_'), at("id"), "must be lower-case letters, digits and underscores");
        found.unless(fresh, at("id"), "is used already");
        for (key, text) in [("label", &field.label), ("help", &field.help), ("example", &field.example)] {
            found.unless(is_plain(text), at(key), "must be one line of text");
        }
        if let Some(Err(error)) = field.pattern.as_deref().map(compile) {
            found.unless(false, at("pattern"), format!("is no regular expression: {error}"));
        }
        let in_guide = field.step.is_none_or(|step| (1..=guide.steps.len()).contains(&step));
        found.unless(in_guide, at("step"), format!("guide.md has {} steps", guide.steps.len()));
        let open = field.kind == FieldKind::Secret && field.default.is_some();
        found.unless(!open, at("default"), "a secret cannot have a default");
    }
    let any = it.fields.iter().any(|field| field.kind == FieldKind::Secret);
    found.unless(any, "fields", "one field must be a secret");
}

fn kind(it: &Definition, field: &str) -> Option<FieldKind> {
    it.fields.iter().find(|def| def.id == field).map(|def| def.kind)
}

fn auth(it: &Definition, found: &mut Findings) {
    match &it.auth {
        AuthDefinition::Header { name, value } => {
            for field in template::fields(name) {
                found.unless(
                    kind(it, field) == Some(FieldKind::Text),
                    "auth.header.name",
                    format!("“{field}” is no field of kind “text”"),
                );
            }
            let fixed = template::fields(name).next().is_none();
            let usable =
                HeaderName::try_from(name.as_str()).is_ok_and(|name| headers::takes_key(name.as_str()));
            found.unless(
                !fixed || usable,
                "auth.header.name",
                "cannot be used for a credential; most apps use authorization or x-api-key",
            );
            let used: Vec<_> = template::fields(value).collect();
            let known = !used.is_empty() && used.iter().all(|field| kind(it, field).is_some());
            found.unless(known, "auth.header.value", "must name a field in braces, such as Bearer {token}");
            let one_line = value.chars().all(|c| c == ' ' || c.is_ascii_graphic());
            found.unless(one_line, "auth.header.value", "must be one line of plain characters");
        }
        AuthDefinition::Basic { user, password } => {
            for (at, field) in [("auth.basic.user", user), ("auth.basic.password", password)] {
                found.unless(kind(it, field).is_some(), at, format!("there is no field “{field}”"));
            }
        }
    }
}

fn traffic(it: &Definition, found: &mut Findings) {
    let is_variable = |name: &String| {
        name.len() <= 60 && name.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == b'_')
    };
    let env = it.in_use.env.as_ref();
    found.unless(env.is_none_or(is_variable), "use.env", "must be such as MY_APP_API_KEY");
    // It stands in commands that people paste into a shell, between quotes.
    let is_tame = |c: u8| c.is_ascii_alphanumeric() || b"/-._~?&=%,:".contains(&c);
    let path = &it.in_use.example_path;
    let fits = path.starts_with('/')
        && !path.starts_with("//")
        && path.len() <= MAX_PATH
        && path.bytes().all(is_tame);
    found.unless(fits, "use.example_path", "must be a path such as /v1/items?limit=5");
    for (n, name) in it.in_use.query.iter().enumerate() {
        let fine = is_plain(name) && !name.contains(['&', '=', '#', '%']);
        found.unless(fine, format!("use.query.{n}"), "must be the name of a query parameter");
    }
    for (n, pages) in it.in_use.pages.iter().enumerate() {
        let pointers = [Some(&pages.next), pages.more.as_ref(), Some(&pages.items)];
        let fine = pointers.into_iter().flatten().all(|at| at.is_empty() || at.starts_with('/'));
        found.unless(
            fine,
            format!("use.pages.{n}"),
            "next, more and items must be JSON pointers, such as /data",
        );
    }
    let Some(limits) = &it.limits else { return };
    found.unless((1..=3600).contains(&limits.window), "limits.window", "must be 1 to 3600 seconds");
    let counts = limits.narrow.iter().map(|narrow| narrow.calls).chain([limits.calls]);
    found.unless(counts.min() > Some(0), "limits.calls", "must be 1 or more");
}

fn words(it: &Definition, found: &mut Findings) {
    for (key, words) in &it.words {
        let at = format!("words.{key}");
        let reason = key.split('/').next().unwrap_or_default();
        found.unless(
            Reason::parse(reason).is_some(),
            &at,
            "is no reason; the reasons stand in docs/CONNECTORS.md",
        );
        for text in [&words.title, &words.message, &words.remedy] {
            for name in template::fields(text) {
                let plain = matches!(kind(it, name), Some(FieldKind::Text | FieldKind::Url));
                found.unless(
                    plain || PLACEHOLDERS.contains(&name),
                    &at,
                    format!("“{{{name}}}” cannot stand in words"),
                );
            }
        }
    }
}
