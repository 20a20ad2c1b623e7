//! Search by part of a name, over one kind of record or all.

use serde_json::{Value, json};

use super::{Crm, Kind, Record, cursor, is_there};
use crate::query::Query;

/// What was found, best first, each with its kind.
pub(crate) fn search(crm: &Crm, only: Option<Kind>, query: &Query) -> Result<Vec<Value>, String> {
    let term = query.get("term").unwrap_or_default().to_lowercase();
    let exact = query.get("exact_match") == Some("true");
    if term.chars().count() < if exact { 1 } else { 2 } {
        return Err("term: must be at least 2 characters long".into());
    }
    let types: Vec<&str> =
        query.get("item_types").map(|types| types.split(',').collect()).unwrap_or_default();
    let kinds = Kind::SEARCHED.into_iter().filter(|kind| match only {
        Some(only) => *kind == only,
        None => types.is_empty() || types.contains(&kind.title().to_lowercase().as_str()),
    });
    let mut found = Vec::new();
    for kind in kinds {
        for record in crm.ids(kind).filter_map(|id| crm.get(kind, id)).filter(is_there) {
            let name = record[kind.name_field()].as_str().unwrap_or_default().to_lowercase();
            let matches = if exact { name == term } else { name.contains(&term) };
            if matches {
                let score = term.len() as f64 / name.len().max(1) as f64;
                found.push(json!({ "result_score": score, "item": item(crm, kind, &record) }));
            }
        }
    }
    let score = |found: &Value| found["result_score"].as_f64().unwrap_or_default();
    found.sort_by(|a, b| score(b).total_cmp(&score(a)));
    Ok(found)
}

/// Where a page of v2 begins.
pub(crate) fn search_start(query: &Query) -> Result<u64, String> {
    query.get("cursor").map_or(Ok(0), cursor::decode)
}

fn item(crm: &Crm, kind: Kind, record: &Record) -> Value {
    let linked = |kind: Kind, field: &str| {
        let id = record.get(field).and_then(Value::as_u64);
        id.and_then(|id| crm.get(kind, id))
            .map(|record| json!({ "id": record["id"], "name": record["name"] }))
    };
    let values = |field: &str| -> Vec<Value> {
        let all = record.get(field).and_then(Value::as_array);
        all.into_iter().flatten().map(|one| one["value"].clone()).collect()
    };
    let mut item = json!({
        "id": record["id"], "type": kind.title().to_lowercase(), "visible_to": record["visible_to"],
        "owner": { "id": record["owner_id"] }, "custom_fields": [], "notes": [],
    });
    item[kind.name_field()] = record[kind.name_field()].clone();
    match kind {
        Kind::Deal => {
            for field in ["value", "currency", "status", "is_archived"] {
                item[field] = record[field].clone();
            }
            item["stage"] = json!({ "id": record["stage_id"] });
            item["person"] = json!(linked(Kind::Person, "person_id"));
            item["organization"] = json!(linked(Kind::Organization, "org_id"));
        }
        Kind::Person => {
            item["phones"] = values("phones").into();
            item["emails"] = values("emails").into();
            item["organization"] = json!(linked(Kind::Organization, "org_id"));
        }
        _ => item["address"] = record["address"]["value"].clone(),
    }
    item
}
