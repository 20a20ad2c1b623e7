//! Records that nobody wrote down: each is made from its company, kind and id, the same every time.

mod contacts;
mod few;
mod work;

use std::{collections::BTreeMap, fmt::Write, sync::LazyLock};

use serde_json::{Value, json};

use super::{
    Crm, Kind, Record,
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

/// Fields of a record that are not as in [`BLANK`].
type Own = Vec<(&'static str, Value)>;

/// [`Own`], written as JSON is.
macro_rules! own {
    ({ $($name:literal: $value:expr),* $(,)? }) => { vec![$(($name, ::serde_json::json!($value))),*] };
}
use own;

/// The record that a company had with this id before anybody changed anything, in the shape of v2.
pub(super) fn record(crm: &Crm, kind: Kind, id: u64) -> Option<Record> {
    let own = all_own(crm, kind, id)?;
    let mut record = BLANK.get(&kind).cloned().unwrap_or_default();
    record.extend(own.into_iter().map(|(name, value)| (name.to_owned(), value)));
    if let Some(fields) = crm.custom_fields(kind) {
        record.insert("custom_fields".into(), fields::values(crm, fields, crm.chance(kind, id)).into());
    }
    Some(record)
}

/// The same as JSON, without making the record, for those who make a million.
pub(super) fn text(crm: &Crm, kind: Kind, id: u64) -> Option<String> {
    let own = all_own(crm, kind, id)?;
    let mut text = String::with_capacity(1024);
    let mut write = |name: &str, value: &Value| {
        let _ = write!(text, "{}\"{name}\":{value}", if text.is_empty() { '{' } else { ',' });
    };
    own.iter().for_each(|(name, value)| write(name, value));
    let blank = BLANK.get(&kind).into_iter().flatten();
    blank
        .filter(|(name, _)| !own.iter().any(|(known, _)| known == name))
        .for_each(|(name, value)| write(name, value));
    if let Some(fields) = crm.custom_fields(kind) {
        text.push_str(",\"custom_fields\":");
        fields::write(&mut text, crm, fields, crm.chance(kind, id));
    }
    text.push('}');
    Some(text)
}

/// All fields that are not blank, custom ones aside. None is named twice.
fn all_own(crm: &Crm, kind: Kind, id: u64) -> Option<Own> {
    let chance = crm.chance(kind, id);
    let mut own = match kind {
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
    own.extend(every(crm, kind, id, *chance.pick("owner", &crm.users)));
    let time = |ms: Option<i64>| ms.map_or(Value::Null, |ms| json!(written(kind, ms)));
    own.extend([("add_time", time(Some(added(kind, chance)))), ("update_time", time(updated(kind, chance)))]);
    if matches!(kind, Kind::Deal | Kind::Person | Kind::Organization | Kind::Product) {
        own.push(("visible_to", json!(chance.pick("visible", &[3, 3, 3, 7]))));
    }
    if matches!(kind, Kind::Deal | Kind::Person | Kind::Organization | Kind::Project)
        && chance.once_in("label", 3)
    {
        own.push(("label_ids", json!([1 + chance.below("which", 4)])));
    }
    Some(own)
}

/// What each record has: its id, those who own it, and no mark.
fn every(crm: &Crm, kind: Kind, id: u64, owner: u64) -> impl Iterator<Item = (&'static str, Value)> {
    let owners = ["owner_id", "creator_user_id", "creator_id", "user_id", "last_update_user_id"];
    let blank = BLANK.get(&kind);
    let owners = owners.into_iter().filter(move |name| blank.is_some_and(|blank| blank.contains_key(*name)));
    let id = [("id", crm.shown_id(kind, id)), ("is_deleted", json!(false))];
    owners.map(move |name| (name, json!(owner))).chain(id)
}

/// A record of which nothing was said. Custom fields aside.
pub(super) fn blank(crm: &Crm, kind: Kind, id: u64, owner: u64) -> Record {
    let mut record = BLANK.get(&kind).cloned().unwrap_or_default();
    record.extend(every(crm, kind, id, owner).map(|(name, value)| (name.to_owned(), value)));
    record.extend(["add_time", "update_time"].map(|name| (name.to_owned(), Value::Null)));
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

/// Some record of a kind, or none where the company has none.
fn linked(crm: &Crm, kind: Kind, chance: Chance) -> Option<u64> {
    let size = crm.size(kind);
    (size > 0).then(|| 1 + chance.below(kind.title(), size))
}

#[cfg(test)]
mod tests {
    use super::{BLANK, Kind, Record, record, text};
    use crate::{ACME, Settings, crm::Crm};

    #[test]
    fn the_text_is_that_of_the_record() {
        let crm = Crm::new(ACME, &Settings { seed: 5, records: 40, ..Settings::default() });
        assert_eq!(BLANK.len(), Kind::all().count());
        for kind in Kind::all() {
            for id in 1..=crm.size(kind) {
                let text = text(&crm, kind, id);
                let parsed = text.as_deref().map(|text| serde_json::from_str::<Record>(text).unwrap());
                assert_eq!(parsed, record(&crm, kind, id), "{kind:?} {id}");
                let names = text.iter().flat_map(|text| text.match_indices("\"add_time\":"));
                assert_eq!(names.count(), usize::from(text.is_some()));
            }
        }
    }
}
