//! The shapes of v1: people as objects, times with a space, custom fields at the root.

use serde_json::{Value, json};

use super::{Crm, Field, Kind, Record, fields::is_writable};
use crate::answers;

/// A record as v1 shows it.
pub(crate) fn old_shape(crm: &Crm, kind: Kind, record: &Record) -> Record {
    let mut old = Record::new();
    for (name, value) in record {
        old.extend(field(crm, kind, name, value));
    }
    let deleted = record["is_deleted"] == true;
    old.extend(names(crm, kind, record, deleted));
    for name in ["files_count", "notes_count", "followers_count", "activities_count", "email_messages_count"]
    {
        old.insert(name.into(), json!(0));
    }
    for name in ["next_activity_date", "next_activity_time", "next_activity_id", "last_activity_id"] {
        old.insert(name.into(), Value::Null);
    }
    old
}

/// What became of one field of v2.
fn field(crm: &Crm, kind: Kind, name: &str, value: &Value) -> Vec<(String, Value)> {
    let one = |name: &str, value: Value| vec![(name.to_owned(), value)];
    match name {
        "owner_id" if kind == Kind::Deal => one("user_id", user(value)),
        "owner_id" | "creator_user_id" => one(name, user(value)),
        "person_id" => one(name, linked(crm, Kind::Person, value)),
        "org_id" => one(name, linked(crm, Kind::Organization, value)),
        "emails" => one("email", value.clone()),
        "phones" => one("phone", value.clone()),
        "visible_to" => one(name, json!(value.to_string())),
        "label_ids" => one("label", value.get(0).cloned().unwrap_or_default()),
        "address" => one(name, value.get("value").cloned().unwrap_or_default()),
        "is_deleted" => vec![],
        "custom_fields" => {
            value.as_object().into_iter().flatten().flat_map(|(key, it)| at_root(key, it)).collect()
        }
        _ if name.ends_with("_time") => one(name, old_time(value)),
        _ => one(name, value.clone()),
    }
}

/// `2026-03-01 08:15:00`
pub(super) fn old_time(value: &Value) -> Value {
    value.as_str().map(|time| time.replace('T', " ").replace('Z', "")).into()
}

pub(super) fn at_root(key: &str, value: &Value) -> Vec<(String, Value)> {
    let plain = |value: Value| (key.to_owned(), value);
    match value {
        Value::Array(ids) => {
            let ids: Vec<_> = ids.iter().map(Value::to_string).collect();
            vec![plain(json!(ids.join(",")))]
        }
        Value::Object(parts) => parts
            .iter()
            .map(|(part, it)| match part.as_str() {
                "value" => plain(it.clone()),
                "timezone_name" => (format!("{key}_timezone_id"), it.clone()),
                _ => (format!("{key}_{part}"), it.clone()),
            })
            .collect(),
        _ => vec![plain(value.clone())],
    }
}

fn user(id: &Value) -> Value {
    let user = id.as_u64().and_then(answers::user);
    let user = user.map(|user| {
        json!({
            "id": id, "name": user["name"], "email": user["email"], "has_pic": 0, "pic_hash": null,
            "active_flag": user["active_flag"], "value": id,
        })
    });
    user.unwrap_or_default()
}

fn linked(crm: &Crm, kind: Kind, id: &Value) -> Value {
    let Some(record) = id.as_u64().and_then(|id| crm.get(kind, id)) else { return Value::Null };
    let active = record["is_deleted"] == false;
    if kind == Kind::Person {
        let (email, phone) = (&record["emails"], &record["phones"]);
        return json!({ "active_flag": active, "name": record["name"], "email": email, "phone": phone, "value": id });
    }
    json!({
        "name": record["name"], "owner_id": record["owner_id"], "address": record["address"]["value"],
        "active_flag": active, "value": id,
    })
}

/// What v2 no longer tells.
fn names(crm: &Crm, kind: Kind, record: &Record, deleted: bool) -> Record {
    let name_of = |kind, field: &str| {
        let id = record.get(field).and_then(Value::as_u64);
        id.and_then(|id| crm.get(kind, id)).and_then(|mut record| record.remove("name"))
    };
    let owner = user(&record["owner_id"]);
    let names = match kind {
        Kind::Deal => json!({
            "active": !deleted && record["status"] == "open", "deleted": deleted,
            "person_name": name_of(Kind::Person, "person_id"), "org_name": name_of(Kind::Organization, "org_id"),
            "owner_name": owner["name"], "formatted_value": format!("€{}", record["value"]),
            "weighted_value": record["value"], "products_count": 0, "participants_count": 0,
        }),
        Kind::Person => json!({
            "active_flag": !deleted, "company_id": crm.company, "owner_name": owner["name"],
            "org_name": name_of(Kind::Organization, "org_id"), "primary_email": record["emails"][0]["value"],
            "first_char": record["name"].as_str().and_then(|name| name.to_lowercase().chars().next()),
        }),
        _ => json!({
            "active_flag": !deleted, "company_id": crm.company, "owner_name": owner["name"], "people_count": 0,
        }),
    };
    names.as_object().cloned().unwrap_or_default()
}

/// The fields of a v1 write, by their names of v2. Numbers may come as text; what v1 does not know it ignores.
pub(crate) fn accept_old(custom: &[Field], kind: Kind, old: Record) -> Record {
    let mut fields = Record::new();
    let mut custom_fields = Record::new();
    for (name, value) in old {
        match name.as_str() {
            "user_id" if kind == Kind::Deal => fields.insert("owner_id".into(), number(value)),
            "email" => fields.insert("emails".into(), contacts(value)),
            "phone" => fields.insert("phones".into(), contacts(value)),
            "label" => fields
                .insert("label_ids".into(), if value.is_null() { json!([]) } else { json!([number(value)]) }),
            "address" if value.is_string() => fields.insert(name, json!({ "value": value })),
            "value" | "probability" | "visible_to" => fields.insert(name, number(value)),
            _ if name.ends_with("_id") => fields.insert(name, number(value)),
            _ if custom.iter().any(|field| field.is_custom() && field.code == name) => {
                custom_fields.insert(name, value)
            }
            _ => fields.insert(name, value),
        };
    }
    fields.insert("custom_fields".into(), custom_fields.into());
    fields.retain(|name, _| is_writable(kind, name));
    fields
}

fn number(value: Value) -> Value {
    let parsed = value.as_str().and_then(|text| text.parse::<u64>().ok());
    parsed.map_or(value, |number| json!(number))
}

fn contacts(value: Value) -> Value {
    let all = if let Value::Array(all) = value { all } else { vec![value] };
    let entries = all.into_iter().enumerate().map(|(n, one)| {
        if one.is_object() { one } else { json!({ "value": one, "primary": n == 0, "label": "work" }) }
    });
    entries.collect()
}
