//! The fields of each kind: what is built in, and what companies added.

mod check;
mod custom;
mod edit;
mod shape;

use std::{collections::BTreeMap, sync::LazyLock};

use serde_json::{Value, json};

use super::Kind;

pub(crate) use check::check;
pub(super) use check::is_writable;
pub(super) use custom::{values, write};
use shape::converted;

/// One choice of a field.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    /// A number in custom fields, text in others.
    pub id: Value,
    pub label: String,
}

impl Choice {
    fn new(id: Value, label: &str) -> Self {
        Self { id, label: label.to_owned() }
    }
}

/// Where a field comes from, and so what untouched records have in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    BuiltIn,
    /// One that the company began with: its type then, and its number.
    Start {
        field_type: &'static str,
        n: usize,
    },
    Added,
}

/// A field of a kind of record.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub code: String,
    pub name: String,
    pub field_type: String,
    pub options: Option<Vec<Choice>>,
    origin: Origin,
    /// Its type is no longer what it was.
    pub retyped: bool,
}

/// Code, name and type of what is built in, by kind.
type BuiltIn = BTreeMap<Kind, Vec<(String, String, String)>>;

static BUILT_IN: LazyLock<BuiltIn> =
    LazyLock::new(|| serde_json::from_str(include_str!("builtin.json")).unwrap_or_default());

/// Built-in choices of a field: id and label. Ids of built-in choices are text.
fn choices(kind: Kind, code: &str) -> Option<&'static [(&'static str, &'static str)]> {
    Some(match code {
        "status" if kind == Kind::Project => {
            &[("open", "Open"), ("completed", "Completed"), ("canceled", "Canceled"), ("deleted", "Deleted")]
        }
        "status" => &[("open", "Open"), ("won", "Won"), ("lost", "Lost"), ("deleted", "Deleted")],
        "visible_to" => {
            &[("1", "Item owner"), ("3", "All users"), ("5", "Owner's group"), ("7", "Entire company")]
        }
        "label_ids" => &[("1", "Hot"), ("2", "Warm"), ("3", "Cold"), ("4", "Kunde für später")],
        "type" => &[("call", "Call"), ("meeting", "Meeting"), ("task", "Task"), ("email", "E-mail")],
        "pinned_to_deal_flag" => &[("1", "Yes"), ("0", "No")],
        "channel" => &[("1", "Web"), ("52", "Marketplace")],
        "is_archived" => &[("0", "Not archived"), ("1", "Archived")],
        _ => return None,
    })
}

/// All fields of a kind at the start, with `custom` ones of the company's own.
pub(super) fn start(company: u64, kind: Kind, custom: usize) -> Vec<Field> {
    let built_in = BUILT_IN.get(&kind).into_iter().flatten().map(|(code, name, field_type)| Field {
        options: choices(kind, code)
            .map(|all| all.iter().map(|(id, label)| Choice::new(json!(id), label)).collect()),
        ..Field::built_in(code, name, field_type)
    });
    let optional = kind.optional_fields().split(' ').filter(|code| !code.is_empty());
    let optional = optional.map(|code| Field::built_in(code, &code.replace('_', " "), optional_type(code)));
    let custom = if kind.has_custom_fields() { custom } else { 0 };
    built_in.chain(optional).chain(custom::start(company, kind, custom)).collect()
}

fn optional_type(code: &str) -> &'static str {
    if code.ends_with("_time") {
        "date"
    } else if code.ends_with("email") {
        "varchar"
    } else {
        "int"
    }
}

impl Field {
    fn built_in(code: &str, name: &str, field_type: &str) -> Self {
        let (code, name, field_type) = (code.to_owned(), name.to_owned(), field_type.to_owned());
        Self { code, name, field_type, options: None, origin: Origin::BuiltIn, retyped: false }
    }

    pub(crate) fn is_custom(&self) -> bool {
        self.origin != Origin::BuiltIn
    }

    /// A value as it is shown: after a change of type in the new shape, or not at all.
    pub(super) fn shown(&self, value: Value) -> Value {
        if self.retyped { converted(value, &self.field_type) } else { value }
    }

    /// Its definition as v2 has it.
    pub(crate) fn definition(&self, kind: Kind, extra: &[&str]) -> Value {
        let options = self.options.as_ref().map(|all| {
            let colored = |choice: &Choice| json!({ "id": choice.id, "label": choice.label, "color": null });
            all.iter().map(colored).collect::<Vec<_>>()
        });
        let optional = kind.optional_fields().split(' ').any(|code| code == self.code);
        let mut definition = json!({
            "field_name": self.name, "field_code": self.code, "description": null, "field_type": self.field_type,
            "options": options, "subfields": self.subfields(), "is_custom_field": self.is_custom(),
            "is_optional_response_field": optional,
        });
        for part in extra {
            definition[*part] = match *part {
                "ui_visibility" => json!({ "add_visible_flag": true, "details_visible_flag": true }),
                _ => json!({ "enabled": false, "stage_ids": [] }),
            };
        }
        definition
    }

    fn subfields(&self) -> Value {
        let parts = shape::parts(&self.field_type);
        if parts.is_empty() || self.code == "emails" {
            return Value::Null;
        }
        let part = |(code, field_type): &(&str, &str)| {
            let name = format!("{code} of {}", self.name);
            json!({ "field_code": code, "field_name": name, "field_type": field_type })
        };
        parts.iter().map(part).collect()
    }

    /// Its definition as v1 has it.
    pub(crate) fn old_definition(&self, id: usize) -> Value {
        let options = self.options.as_ref().map(|all| {
            let plain = |choice: &Choice| json!({ "id": choice.id, "label": choice.label });
            all.iter().map(plain).collect::<Vec<_>>()
        });
        json!({
            "id": id, "key": self.code, "name": self.name, "order_nr": id, "field_type": self.field_type,
            "add_time": "2024-01-01 00:00:00", "update_time": "2024-01-01 00:00:00", "active_flag": true,
            "edit_flag": self.is_custom(), "index_visible_flag": true, "details_visible_flag": true,
            "add_visible_flag": true, "important_flag": false, "bulk_edit_allowed": true, "searchable_flag": false,
            "filtering_allowed": true, "sortable_flag": true, "options": options, "mandatory_flag": false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{BUILT_IN, Kind, start};

    #[test]
    fn keys_differ_by_company_and_every_type_is_there() {
        let keys =
            |company| start(company, Kind::Deal, 24).into_iter().map(|field| field.code).collect::<Vec<_>>();
        assert_ne!(keys(1), keys(2));
        assert_eq!(keys(1).iter().filter(|key| key.len() == 40).count(), 24);
        let types: std::collections::BTreeSet<_> = start(1, Kind::Deal, 24)
            .into_iter()
            .filter(|field| field.is_custom())
            .map(|it| it.field_type)
            .collect();
        assert_eq!(types.len(), 17);
        assert_eq!(BUILT_IN.len(), 8);
    }
}
