//! Which fields can be written, and with what.

use serde_json::{Value, json};

use super::{
    Field,
    shape::Shape::{self, Contacts, Flag, Integer, Integers, Number, Object, Text},
};
use crate::crm::{Kind, Record};

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

fn writable(kind: Kind) -> impl Iterator<Item = &'static (&'static str, Shape)> {
    let own = match kind {
        Kind::Deal => DEAL,
        Kind::Person => PERSON,
        _ => ORGANIZATION,
    };
    own.iter().chain(COMMON)
}

pub(crate) fn is_writable(kind: Kind, name: &str) -> bool {
    writable(kind).any(|(known, _)| *known == name)
}

/// What is wrong with the fields of a write, in the words of a schema check.
pub(crate) fn check(all: &[Field], kind: Kind, fields: &Record) -> Result<(), String> {
    for (name, value) in fields {
        let known = writable(kind).find(|(known, _)| known == name);
        let (_, shape) = known.ok_or_else(|| format!("{name}: unknown parameter"))?;
        let required = name == kind.name_field();
        if !shape.fits(value) || (required && value.as_str().unwrap_or_default().is_empty()) {
            return Err(format!("{name}: not a valid value"));
        }
    }
    let custom_fields = fields.get("custom_fields").and_then(Value::as_object);
    for (key, value) in custom_fields.into_iter().flatten() {
        let known = all.iter().find(|field| field.is_custom() && field.code == *key);
        let field = known.ok_or_else(|| format!("custom_fields: unknown field_code {key}"))?;
        // A list of choices is cleared by null.
        if !Shape::of(&field.field_type).fits(value) || *value == json!([]) {
            return Err(format!("custom_fields: not a valid value for {key}"));
        }
    }
    match fields.get("status").and_then(Value::as_str) {
        None | Some("open" | "won" | "lost") => Ok(()),
        Some(_) => Err("status: must be one of open, won, lost".into()),
    }
}
