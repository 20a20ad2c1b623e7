//! Deals, persons and organizations.

use serde_json::{Value, json};

use super::{BEGAN, DAY, Own, address, own, seconds_added, seconds_updated};
use crate::{
    clock::rfc3339,
    crm::{
        Crm, Kind,
        chance::Chance,
        words::{COMPANY, FIRST, FORM, LAST, LOST, SUBJECT, TRADE},
    },
};

/// Stages of the first pipeline.
pub(super) const STAGES: u64 = 5;

const STATUSES: [&str; 5] = ["open", "open", "open", "won", "lost"];

pub(super) fn company_name(crm: &Crm, id: u64) -> String {
    let chance = crm.chance(Kind::Organization, id);
    let (first, trade, form) =
        (chance.pick("first", &COMPANY), chance.pick("trade", &TRADE), chance.pick("form", &FORM));
    format!("{first} {trade} {form}")
}

/// The organization of a person.
pub(super) fn employer(crm: &Crm, person: u64) -> Option<u64> {
    let size = crm.size(Kind::Organization);
    (size > 0).then(|| 1 + crm.chance(Kind::Person, person).below("employer", size))
}

/// A person and their organization.
pub(super) fn contact(crm: &Crm, chance: Chance) -> (Option<u64>, Option<u64>) {
    let size = crm.size(Kind::Person);
    let person = 1 + chance.below("person", size);
    ((size > 0).then_some(person), employer(crm, person))
}

fn status(chance: Chance) -> &'static str {
    STATUSES[chance.below("status", STATUSES.len() as u64) as usize]
}

pub(super) fn is_archived(chance: Chance) -> bool {
    status(chance) != "open" && chance.once_in("archived", 10)
}

pub(super) fn deal(crm: &Crm, chance: Chance) -> Own {
    let (person, org) = contact(crm, chance);
    let status = status(chance);
    let (added, updated) = (seconds_added(chance), seconds_updated(chance));
    let closed = |wanted: bool| wanted.then(|| rfc3339(updated));
    let on = |wanted: bool| wanted.then(|| rfc3339(updated)[..10].to_owned());
    let archived = is_archived(chance);
    let expected = rfc3339(added + chance.below("expected", 90 * DAY));
    // Companies with a seed have a second pipeline in use, and cents and other currencies.
    let has_seed = crm.seed() > 0;
    let second = has_seed && chance.once_in("pipeline", 4);
    let value = chance.below("value", 400) * 50;
    let value =
        if has_seed && chance.once_in("cents", 4) { json!(value as f64 + 0.25) } else { json!(value) };
    let currency = if has_seed { *chance.pick("currency", &["EUR", "EUR", "USD", "JPY"]) } else { "EUR" };
    let stage = 1 + chance.below("stage", STAGES) + if second { STAGES } else { 0 };
    let customer = org.map_or_else(|| "Somebody".into(), |org| company_name(crm, org));
    own!({
        "title": format!("{customer}: {}", chance.pick("subject", &SUBJECT)),
        "value": value, "currency": currency, "person_id": person.filter(|_| !chance.once_in("nobody", 12)),
        "org_id": org, "pipeline_id": 1 + u64::from(second), "stage_id": stage, "stage_change_time": rfc3339(updated),
        "status": status, "won_time": closed(status == "won"), "lost_time": closed(status == "lost"),
        "close_time": closed(status != "open"), "local_won_date": on(status == "won"),
        "local_lost_date": on(status == "lost"), "local_close_date": on(status != "open"),
        "is_archived": archived, "archive_time": closed(archived),
        "lost_reason": if status == "lost" { json!(chance.pick("reason", &LOST)) } else { Value::Null },
        "probability": if chance.once_in("guessed", 4) { json!(10 * chance.below("probability", 11)) } else { Value::Null },
        "expected_close_date": if chance.once_in("planned", 2) { json!(expected[..10]) } else { Value::Null },
    })
}

pub(super) fn person(crm: &Crm, id: u64) -> Own {
    let chance = crm.chance(Kind::Person, id);
    let (first, last) = (*chance.pick("first", &FIRST), *chance.pick("last", &LAST));
    let email = format!("{}.{}{id}@customer.example", plain(first), plain(last));
    let phone = format!("+49 30 555 {:04}", chance.below("phone", 10_000));
    let entry = |value: String| json!([{ "value": value, "primary": true, "label": "work" }]);
    own!({
        "name": format!("{first} {last}"), "first_name": first, "last_name": last,
        "org_id": employer(crm, id), "emails": entry(email),
        "phones": if chance.once_in("no phone", 4) { json!([]) } else { entry(phone) },
    })
}

fn plain(name: &str) -> String {
    name.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect()
}

pub(super) fn organization(crm: &Crm, id: u64, chance: Chance) -> Own {
    let nowhere = chance.once_in("nowhere", 5);
    own!({
        "name": company_name(crm, id), "address": if nowhere { Value::Null } else { address(chance) },
    })
}

/// A day between the beginning and two years later.
pub(super) fn day(chance: Chance, name: &str) -> String {
    rfc3339(BEGAN + chance.below(name, 700 * DAY))[..10].to_owned()
}
