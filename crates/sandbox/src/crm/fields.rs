//! Which fields can be written, and the custom fields of each company.

use serde_json::{Value, json};

use super::{Kind, Record, chance::Chance};

/// The shape of a value. Everything can be null, names and titles aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Text,
    Integer,
    Number,
    Flag,
    Integers,
    /// `[{"value": …, "primary": …, "label": …}]`
    Contacts,
    /// An object; for addresses.
    Object,
    /// `{"value": …, "currency": …}`
    Money,
    /// `{"value": …, "until": …}`
    Span,
}

use Shape::{Contacts, Flag, Integer, Integers, Money, Number, Object, Span, Text};

const COMMON: &[(&str, Shape)] = &[
    ("owner_id", Integer),
    ("visible_to", Integer),
    ("label_ids", Integers),
    ("add_time", Text),
    ("update_time", Text),
    ("custom_fields", Object),
];
const DEAL: &[(&str, Shape)] = &[
    ("title", Text),
    ("person_id", Integer),
    ("org_id", Integer),
    ("pipeline_id", Integer),
    ("stage_id", Integer),
    ("value", Number),
    ("currency", Text),
    ("status", Text),
    ("probability", Number),
    ("lost_reason", Text),
    ("expected_close_date", Text),
    ("is_archived", Flag),
    ("is_deleted", Flag),
];
const PERSON: &[(&str, Shape)] =
    &[("name", Text), ("org_id", Integer), ("emails", Contacts), ("phones", Contacts)];
const ORGANIZATION: &[(&str, Shape)] = &[("name", Text), ("address", Object)];

/// Custom fields: text, number, one choice, several choices, money, a date, a span of dates.
const CUSTOM: [Shape; 7] = [Text, Number, Integer, Integers, Money, Text, Span];

fn writable(kind: Kind) -> impl Iterator<Item = &'static (&'static str, Shape)> {
    let own = match kind {
        Kind::Deal => DEAL,
        Kind::Person => PERSON,
        Kind::Organization => ORGANIZATION,
    };
    own.iter().chain(COMMON)
}

pub(super) fn is_writable(kind: Kind, name: &str) -> bool {
    writable(kind).any(|(known, _)| *known == name)
}

/// The custom fields of a company: keys of 40 hex characters, other ones in every company.
pub(crate) fn custom(company: u64, kind: Kind) -> impl Iterator<Item = (String, Shape)> {
    CUSTOM.into_iter().enumerate().map(move |(n, shape)| {
        let chance = Chance::new((company, kind, n));
        let key =
            format!("{:016x}{:016x}{:08x}", chance.draw("a"), chance.draw("b"), chance.draw("c") as u32);
        (key, shape)
    })
}

/// What is wrong with the fields of a write, in the words of a schema check.
pub(crate) fn check(company: u64, kind: Kind, fields: &Record) -> Result<(), String> {
    for (name, value) in fields {
        let known = writable(kind).find(|(known, _)| known == name);
        let (_, shape) = known.ok_or_else(|| format!("{name}: unknown parameter"))?;
        let required = name == kind.name_field();
        if !fits(value, *shape) || (required && value.as_str().unwrap_or_default().is_empty()) {
            return Err(format!("{name}: not a valid value"));
        }
    }
    let custom_fields = fields.get("custom_fields").and_then(Value::as_object);
    for (key, value) in custom_fields.into_iter().flatten() {
        let known = custom(company, kind).find(|(known, _)| known == key);
        let (_, shape) = known.ok_or_else(|| format!("custom_fields: unknown field_code {key}"))?;
        // A list of choices is cleared by null.
        if !fits(value, shape) || *value == json!([]) {
            return Err(format!("custom_fields: not a valid value for {key}"));
        }
    }
    match fields.get("status").and_then(Value::as_str) {
        None | Some("open" | "won" | "lost") => Ok(()),
        Some(_) => Err("status: must be one of open, won, lost".into()),
    }
}

fn fits(value: &Value, shape: Shape) -> bool {
    if value.is_null() {
        return true;
    }
    let has_value = || value.get("value").is_some();
    match shape {
        Text => value.is_string(),
        Integer => value.is_u64(),
        Number => value.is_number(),
        Flag => value.is_boolean(),
        Integers => value.as_array().is_some_and(|all| all.iter().all(Value::is_u64)),
        Contacts => value.as_array().is_some_and(|all| all.iter().all(|one| one["value"].is_string())),
        Object => value.is_object(),
        Money => has_value() && value["currency"].is_string(),
        Span => has_value() && value["until"].is_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, check, custom};
    use serde_json::json;

    #[test]
    fn keys_differ_by_company_and_unknown_ones_are_named() {
        let keys = |company| custom(company, Kind::Deal).map(|(key, _)| key).collect::<Vec<_>>();
        assert_ne!(keys(1), keys(2));
        assert!(keys(1).iter().all(|key| key.len() == 40));
        let theirs = keys(2).remove(0);
        let fields = json!({ "custom_fields": { theirs.clone(): "x" } });
        let error = check(1, Kind::Deal, fields.as_object().unwrap()).unwrap_err();
        assert!(error.contains(&theirs));
    }
}
