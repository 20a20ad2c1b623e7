//! Records that nobody wrote down: each is made from its company, kind and id, the same every time.

mod contacts;
mod few;
mod work;

use std::{collections::BTreeMap, sync::LazyLock};

use serde_json::{Value, json};

use super::{
    Crm, Kind, Line, Record,
    chance::Chance,
    fields,
    index::{NEVER, Place},
    words::{PLACE, STREET},
};
use crate::clock::{rfc3339, rfc3339_ms};

pub(super) use few::count;
pub(super) use work::{PER_DEAL, PER_PRODUCT};

/// 1 January 2024, before which nothing happened.
pub(super) const BEGAN: u64 = 1_704_067_200;
pub(super) const DAY: u64 = 86_400;

/// Every field of a kind, with what it is when nothing was said.
static BLANK: LazyLock<BTreeMap<Kind, Record>> =
    LazyLock::new(|| serde_json::from_str(include_str!("../blank.json")).unwrap_or_default());

/// The record that a company had with this id before anybody changed anything, in the shape of v2.
pub(super) fn record(crm: &Crm, kind: Kind, id: u64) -> Option<Record> {
    let mut record = plain(crm, kind, id)?;
    if let Some(own) = crm.custom_fields(kind) {
        record.insert("custom_fields".into(), fields::values(crm, own, crm.chance(kind, id)).into());
    }
    Some(record)
}

/// The same for a page, where custom fields are written without being made.
pub(super) fn line(crm: &Crm, kind: Kind, id: u64) -> Option<Line> {
    let custom = crm.custom_fields(kind).map(|own| fields::written(crm, own, crm.chance(kind, id)));
    Some(Line { record: plain(crm, kind, id)?, custom })
}

/// All but its custom fields.
fn plain(crm: &Crm, kind: Kind, id: u64) -> Option<Record> {
    let chance = crm.chance(kind, id);
    let own = match kind {
        Kind::Deal => contacts::deal(crm, chance),
        Kind::Person => contacts::person(crm, id),
        Kind::Organization => contacts::organization(crm, id, chance),
        Kind::Activity => work::activity(crm, chance),
        Kind::Product => work::product(id, chance),
        Kind::Variation => work::variation(crm, id, chance)?,
        Kind::DealProduct => work::deal_product(crm, id, chance)?,
        Kind::Project => work::project(crm, chance),
        Kind::Task => work::task(crm, id, chance),
        Kind::Lead => work::lead(crm, id, chance),
        Kind::Note => work::note(crm, chance),
        Kind::File => work::file(crm, id, chance),
        _ => few::record(crm, kind, id)?,
    };
    let mut record = blank(crm, kind, id, *chance.pick("owner", &crm.users));
    for (name, time) in [("add_time", Some(added(kind, chance))), ("update_time", updated(kind, chance))] {
        record.insert(name.into(), time.map_or(Value::Null, |at| json!(written(kind, at))));
    }
    if let Some(visible) = record.get_mut("visible_to").filter(|visible| visible.is_u64()) {
        *visible = json!(chance.pick("visible", &[3, 3, 3, 7]));
    }
    if let Some(labels) = record.get_mut("label_ids").filter(|_| chance.once_in("label", 3)) {
        *labels = json!([1 + chance.below("which", 4)]);
    }
    record.extend(own);
    Some(record)
}

/// Every field of a kind, with what it is when nothing was said. Custom fields aside.
pub(super) fn blank(crm: &Crm, kind: Kind, id: u64, owner: u64) -> Record {
    let mut record = BLANK.get(&kind).cloned().unwrap_or_default();
    for name in ["owner_id", "creator_user_id", "creator_id", "user_id", "last_update_user_id"] {
        if let Some(whose) = record.get_mut(name) {
            *whose = json!(owner);
        }
    }
    record.insert("id".into(), crm.shown_id(kind, id));
    for (name, value) in
        [("is_deleted", json!(false)), ("add_time", Value::Null), ("update_time", Value::Null)]
    {
        record.insert(name.into(), value);
    }
    record
}

/// A time in milliseconds as records of this kind have it.
pub(super) fn written(kind: Kind, ms: i64) -> String {
    let ms = ms.unsigned_abs();
    if kind.has_milliseconds() { rfc3339_ms(ms) } else { rfc3339(ms / 1000) }
}

/// When a record was added, in milliseconds.
fn added(kind: Kind, chance: Chance) -> i64 {
    seconds_added(chance) as i64 * 1000 + milliseconds(kind, chance)
}

/// When it was changed. Real records that were never touched have no time of change.
fn updated(kind: Kind, chance: Chance) -> Option<i64> {
    let nullable = matches!(kind, Kind::Deal | Kind::Person | Kind::Organization | Kind::Activity);
    let untouched = nullable && chance.once_in("untouched", 40);
    (!untouched).then(|| seconds_updated(chance) as i64 * 1000 + milliseconds(kind, chance))
}

fn milliseconds(kind: Kind, chance: Chance) -> i64 {
    if kind.has_milliseconds() { chance.below("ms", 1000) as i64 } else { 0 }
}

fn seconds_added(chance: Chance) -> u64 {
    BEGAN + chance.below("added", 500 * DAY)
}

fn seconds_updated(chance: Chance) -> u64 {
    seconds_added(chance) + chance.below("updated", 180 * DAY)
}

/// Where a record that nobody changed stands in the order of its times.
pub(super) fn place(crm: &Crm, kind: Kind, field: &str, id: u64) -> Place {
    let chance = crm.chance(kind, id);
    let time = if field == "add_time" { Some(added(kind, chance)) } else { updated(kind, chance) };
    (time.unwrap_or(NEVER), id)
}

/// Whether a record that nobody changed is archived.
pub(super) fn is_archived(crm: &Crm, kind: Kind, id: u64) -> bool {
    let chance = crm.chance(kind, id);
    match kind {
        Kind::Deal => contacts::is_archived(chance),
        Kind::Lead | Kind::Project => chance.once_in("archived", 10),
        _ => false,
    }
}

/// An object with a street and a town.
pub(super) fn address(chance: Chance) -> Value {
    let (city, country, code) = chance.pick("place", &PLACE);
    let (street, number) = (chance.pick("street", &STREET), 1 + chance.below("number", 90));
    json!({
        "value": format!("{street} {number}, {code} {city}, {country}"), "country": country, "locality": city,
        "route": street, "street_number": number.to_string(), "postal_code": code,
        "admin_area_level_1": null, "admin_area_level_2": null, "sublocality": null, "subpremise": null,
    })
}

/// The fields of a JSON object.
fn fields_of(object: Value) -> Record {
    if let Value::Object(fields) = object { fields } else { Record::new() }
}

/// Some record of a kind, or none where the company has none.
fn linked(crm: &Crm, kind: Kind, chance: Chance) -> Option<u64> {
    let size = crm.size(kind);
    (size > 0).then(|| 1 + chance.below(kind.title(), size))
}
