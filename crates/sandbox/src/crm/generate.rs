//! Records that nobody wrote down: each is made from its company, kind and id, the same every time.

use serde_json::{Value, json};

use super::{
    Crm, Kind, Record,
    chance::Chance,
    fields::{Shape, custom},
    words::{COMPANY, FIRST, FORM, LAST, LOST, PLACE, STREET, SUBJECT, TRADE},
};
use crate::clock::rfc3339;

/// 1 January 2024, before which nothing happened.
const BEGAN: u64 = 1_704_067_200;
const DAY: u64 = 86_400;
const STAGES: u64 = 5;

/// The record that a company had with this id before anybody changed anything, in the shape of v2.
pub(super) fn record(crm: &Crm, kind: Kind, id: u64) -> Record {
    let (company, size) = (crm.company, crm.size);
    let chance = Chance::new((company, kind, id));
    let own = match kind {
        Kind::Deal => deal(company, size, chance),
        Kind::Person => person(company, id, size),
        Kind::Organization => organization(company, id, chance),
    };
    let (added, updated) = times(chance);
    let mut record = base(company, kind, *chance.pick("owner", &crm.users));
    let common = json!({
        "id": id, "add_time": rfc3339(added),
        // Real records that were never touched have no time of change.
        "update_time": if chance.once_in("untouched", 40) { Value::Null } else { json!(rfc3339(updated)) },
        "visible_to": *chance.pick("visible", &[3, 3, 3, 7]),
        "label_ids": if chance.once_in("label", 3) { json!([1 + chance.below("which", 4)]) } else { json!([]) },
    });
    for fields in [common, own, json!({ "custom_fields": custom_fields(company, kind, chance) })] {
        record.extend(fields.as_object().cloned().unwrap_or_default());
    }
    record
}

/// Every field of a kind, with what it is when nothing was said.
pub(super) fn base(company: u64, kind: Kind, owner: u64) -> Record {
    let empty: serde_json::Map<_, _> = custom(company, kind).map(|(key, _)| (key, Value::Null)).collect();
    let common = json!({
        "id": 0, "owner_id": owner, "add_time": null, "update_time": null, "is_deleted": false,
        "visible_to": 3, "label_ids": [],
    });
    let own = match kind {
        Kind::Deal => json!({
            "title": "", "creator_user_id": owner, "value": 0, "currency": "EUR", "person_id": null, "org_id": null,
            "pipeline_id": 1, "stage_id": 1, "stage_change_time": null, "status": "open", "is_archived": false,
            "archive_time": null, "probability": null, "lost_reason": null, "close_time": null, "won_time": null,
            "lost_time": null, "expected_close_date": null, "origin": "ManuallyCreated", "origin_id": null,
            "channel": null, "channel_id": null,
        }),
        Kind::Person => json!({
            "name": "", "first_name": null, "last_name": null, "org_id": null, "emails": [], "phones": [],
            "picture_id": null,
        }),
        Kind::Organization => json!({ "name": "", "address": null }),
    };
    let all = [common, own, json!({ "custom_fields": empty })].into_iter().filter_map(|part| match part {
        Value::Object(fields) => Some(fields),
        _ => None,
    });
    all.flatten().collect()
}

fn times(chance: Chance) -> (u64, u64) {
    let added = BEGAN + chance.below("added", 500 * DAY);
    (added, added + chance.below("updated", 180 * DAY))
}

fn company_name(company: u64, id: u64) -> String {
    let chance = Chance::new((company, Kind::Organization, id));
    let (first, trade, form) =
        (chance.pick("first", &COMPANY), chance.pick("trade", &TRADE), chance.pick("form", &FORM));
    format!("{first} {trade} {form}")
}

/// The organization of a person.
fn employer(company: u64, person: u64, size: u64) -> u64 {
    1 + Chance::new((company, Kind::Person, person)).below("employer", size)
}

fn deal(company: u64, size: u64, chance: Chance) -> Value {
    let person = 1 + chance.below("person", size);
    let org = employer(company, person, size);
    let status = *chance.pick("status", &["open", "open", "open", "won", "lost"]);
    let (added, updated) = times(chance);
    let closed = |wanted: bool| if wanted { json!(rfc3339(updated)) } else { Value::Null };
    let archived = status != "open" && chance.once_in("archived", 10);
    let expected = rfc3339(added + chance.below("expected", 90 * DAY));
    json!({
        "title": format!("{}: {}", company_name(company, org), chance.pick("subject", &SUBJECT)),
        "value": chance.below("value", 400) * 50, "person_id": if chance.once_in("nobody", 12) { Value::Null } else { json!(person) },
        "org_id": org, "stage_id": 1 + chance.below("stage", STAGES), "stage_change_time": rfc3339(updated),
        "status": status, "won_time": closed(status == "won"), "lost_time": closed(status == "lost"),
        "close_time": closed(status != "open"), "is_archived": archived, "archive_time": closed(archived),
        "lost_reason": if status == "lost" { json!(chance.pick("reason", &LOST)) } else { Value::Null },
        "probability": if chance.once_in("guessed", 4) { json!(10 * chance.below("probability", 11)) } else { Value::Null },
        "expected_close_date": if chance.once_in("planned", 2) { json!(expected[..10]) } else { Value::Null },
    })
}

fn person(company: u64, id: u64, size: u64) -> Value {
    let chance = Chance::new((company, Kind::Person, id));
    let (first, last) = (*chance.pick("first", &FIRST), *chance.pick("last", &LAST));
    let email = format!("{}.{}{id}@customer.example", plain(first), plain(last));
    let phone = format!("+49 30 555 {:04}", chance.below("phone", 10_000));
    let entry = |value: String| json!([{ "value": value, "primary": true, "label": "work" }]);
    json!({
        "name": format!("{first} {last}"), "first_name": first, "last_name": last,
        "org_id": employer(company, id, size), "emails": entry(email),
        "phones": if chance.once_in("no phone", 4) { json!([]) } else { entry(phone) },
    })
}

fn plain(name: &str) -> String {
    name.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect()
}

fn organization(company: u64, id: u64, chance: Chance) -> Value {
    let (city, country, code) = chance.pick("place", &PLACE);
    let (street, number) = (chance.pick("street", &STREET), 1 + chance.below("number", 90));
    let address = json!({
        "value": format!("{street} {number}, {code} {city}, {country}"), "country": country, "locality": city,
        "route": street, "street_number": number.to_string(), "postal_code": code,
        "admin_area_level_1": null, "admin_area_level_2": null, "sublocality": null, "subpremise": null,
    });
    json!({
        "name": company_name(company, id),
        "address": if chance.once_in("nowhere", 5) { Value::Null } else { address },
    })
}

/// All custom fields of the company, three in four of them null.
fn custom_fields(company: u64, kind: Kind, chance: Chance) -> Record {
    let all = custom(company, kind).map(|(key, shape)| {
        let value = if chance.once_in(&key, 4) { custom_value(shape, chance) } else { Value::Null };
        (key, value)
    });
    all.collect()
}

fn custom_value(shape: Shape, chance: Chance) -> Value {
    let date = |name: &str| rfc3339(BEGAN + chance.below(name, 700 * DAY))[..10].to_owned();
    match shape {
        Shape::Number => json!(chance.below("number", 1000)),
        Shape::Integer => json!(20 + chance.below("choice", 5)),
        Shape::Integers => json!([30 + chance.below("one", 3), 33 + chance.below("other", 3)]),
        Shape::Money => json!({ "value": 100 * chance.below("money", 90), "currency": "EUR" }),
        Shape::Span => json!({ "value": date("from"), "until": date("until") }),
        _ => json!(format!("Note of {}", date("text"))),
    }
}
