//! The deals, persons and organizations of a company.

mod chance;
pub(crate) mod cursor;
mod fields;
mod generate;
mod old;
mod pages;
mod search;
mod words;

use std::{collections::BTreeMap, ops::RangeInclusive};

use serde_json::{Map, Value, json};

use crate::{answers, clock::rfc3339};

pub(crate) use fields::check;
pub(crate) use old::{accept_old, old_shape};
pub(crate) use pages::{Scope, list, list_old};
pub(crate) use search::{search, search_start};

/// A record in the shape of v2.
pub(crate) type Record = Map<String, Value>;

#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Deal,
    Person,
    Organization,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Deal, Self::Person, Self::Organization];

    pub(crate) fn of_path(segment: &str) -> Option<Self> {
        match segment {
            "deals" => Some(Self::Deal),
            "persons" => Some(Self::Person),
            "organizations" => Some(Self::Organization),
            _ => None,
        }
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Deal => "Deal",
            Self::Person => "Person",
            Self::Organization => "Organization",
        }
    }

    /// The one field that a record must have.
    pub(crate) fn name_field(self) -> &'static str {
        if self == Self::Deal { "title" } else { "name" }
    }
}

/// All records of a company. Those that nobody changed are made when they are asked for, and take no memory.
#[derive(Clone, Debug)]
pub(crate) struct Crm {
    pub company: u64,
    /// How many of each kind there were at the start.
    size: u64,
    /// By whom records are owned.
    users: Vec<u64>,
    changed: BTreeMap<(Kind, u64), Record>,
}

impl Crm {
    pub(crate) fn new(company: u64, size: u64) -> Self {
        Self { company, size, users: answers::users_of(company), changed: BTreeMap::new() }
    }

    fn ids(&self, kind: Kind) -> RangeInclusive<u64> {
        let added = self.changed.range((kind, 0)..=(kind, u64::MAX)).next_back();
        1..=added.map_or(0, |((_, id), _)| *id).max(self.size)
    }

    pub(crate) fn get(&self, kind: Kind, id: u64) -> Option<Record> {
        let made = || (1..=self.size).contains(&id).then(|| generate::record(self, kind, id));
        self.changed.get(&(kind, id)).cloned().or_else(made)
    }

    pub(crate) fn add(&mut self, kind: Kind, fields: Record, user: u64, now: u64) -> Record {
        let id = self.ids(kind).end() + 1;
        let mut record = generate::base(self.company, kind, user);
        record.extend([("id".into(), json!(id)), ("add_time".into(), json!(rfc3339(now)))]);
        write(&mut record, kind, fields, now);
        self.changed.insert((kind, id), record.clone());
        record
    }

    pub(crate) fn change(&mut self, kind: Kind, id: u64, fields: Record, now: u64) -> Option<Record> {
        let mut record = self.get(kind, id).filter(is_there)?;
        write(&mut record, kind, fields, now);
        self.changed.insert((kind, id), record.clone());
        Some(record)
    }

    /// Keeps the record, marked. A delete is no change: `update_time` stays.
    pub(crate) fn delete(&mut self, kind: Kind, id: u64) -> Option<u64> {
        let mut record = self.get(kind, id).filter(is_there)?;
        record.insert("is_deleted".into(), json!(true));
        self.changed.insert((kind, id), record);
        Some(id)
    }
}

pub(crate) fn is_there(record: &Record) -> bool {
    record["is_deleted"] == false
}

fn write(record: &mut Record, kind: Kind, mut fields: Record, now: u64) {
    let now = json!(rfc3339(now));
    let custom = fields.remove("custom_fields");
    if let (Some(Value::Object(new)), Some(Value::Object(all))) = (custom, record.get_mut("custom_fields")) {
        all.extend(new);
    }
    record.insert("update_time".into(), now.clone());
    if kind == Kind::Deal {
        if fields.contains_key("stage_id") {
            record.insert("stage_change_time".into(), now.clone());
        }
        if let Some(status) = fields.get("status").and_then(Value::as_str) {
            let at = |closed: bool| if closed { now.clone() } else { Value::Null };
            let times = [
                ("won_time", "won" == status),
                ("lost_time", "lost" == status),
                ("close_time", "open" != status),
            ];
            record.extend(times.map(|(name, closed)| (name.to_owned(), at(closed))));
        }
    }
    if kind == Kind::Person
        && let Some(name) = fields.get("name").and_then(Value::as_str)
    {
        let (first, last) = name.split_once(' ').map_or((name, None), |(first, last)| (first, Some(last)));
        record.extend([("first_name".into(), json!(first)), ("last_name".into(), json!(last))]);
    }
    record.extend(fields);
}
