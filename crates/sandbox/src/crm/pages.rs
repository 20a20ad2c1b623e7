//! Lists: which records, in which order, and how many at a time.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Crm, Kind, Record, cursor, is_there};
use crate::query::Query;

const MOST: u64 = 500;
const USUAL: u64 = 100;
const MOST_IDS: usize = 100;
const MOST_CUSTOM: usize = 15;
const FIELDS: [&str; 3] = ["id", "update_time", "add_time"];
const DIRECTIONS: [&str; 2] = ["asc", "desc"];
/// Filters that compare a field of the record with a number.
const NUMBERS: [&str; 5] = ["owner_id", "person_id", "org_id", "pipeline_id", "stage_id"];

/// Archived deals have a list of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Usual,
    Archived,
}

/// One page of records.
pub(crate) struct Page<C> {
    pub records: Vec<Record>,
    /// What to ask for next.
    pub next: Option<C>,
}

/// Where a page ended. Callers treat it as opaque.
#[derive(Debug, Serialize, Deserialize)]
struct Cursor {
    field: String,
    value: Value,
    direction: String,
    id: u64,
}

impl Cursor {
    fn decode(text: &str) -> Result<Self, String> {
        let cursor: Self = cursor::decode(text)?;
        let known = FIELDS.contains(&&*cursor.field) && DIRECTIONS.contains(&&*cursor.direction);
        if known { Ok(cursor) } else { Err("cursor: not a valid cursor".into()) }
    }
}

/// A list of v2.
pub(crate) fn list(crm: &Crm, kind: Kind, scope: Scope, query: &Query) -> Result<Page<String>, String> {
    let limit = query.number("limit")?.unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        return Err(format!("limit: must be between 1 and {MOST}"));
    }
    let after = query.get("cursor").map(Cursor::decode).transpose()?;
    let (field, direction) = match &after {
        Some(cursor) => (cursor.field.clone(), cursor.direction.clone()),
        None => (
            query.one_of("sort_by", &FIELDS)?.unwrap_or_else(|| "id".into()),
            query.one_of("sort_direction", &DIRECTIONS)?.unwrap_or_else(|| "asc".into()),
        ),
    };
    let chosen = chosen(crm, kind, scope, query)?;
    let order = Order { field: &field, descending: direction == "desc" };
    let beyond = |record: &Record| after.as_ref().is_none_or(|cursor| order.beyond(record, cursor));
    let mut records: Vec<_> = order.sorted(chosen).filter(beyond).take(limit as usize + 1).collect();
    let more = records.len() > limit as usize;
    records.truncate(limit as usize);
    let next = records.last().filter(|_| more).map(|last| {
        let (value, id) = (last[&field].clone(), last["id"].as_u64().unwrap_or_default());
        cursor::encode(&Cursor { field: field.clone(), value, direction: direction.clone(), id })
    });
    let wanted: Option<Vec<&str>> = query.get("custom_fields").map(|keys| keys.split(',').collect());
    if let Some(wanted) = wanted {
        if wanted.len() > MOST_CUSTOM {
            return Err(format!("custom_fields: at most {MOST_CUSTOM}"));
        }
        for custom in records.iter_mut().filter_map(|record| record["custom_fields"].as_object_mut()) {
            custom.retain(|key, _| wanted.contains(&key.as_str()));
        }
    }
    Ok(Page { records, next })
}

/// A list of v1. A limit above the largest is taken as the largest.
pub(crate) fn list_old(crm: &Crm, kind: Kind, query: &Query) -> Result<(Page<u64>, u64, u64), String> {
    let (start, limit) = query.offset(MOST, USUAL)?;
    let chosen = chosen(crm, kind, Scope::Usual, query)?;
    let (field, direction) = query.get("sort").and_then(|sort| sort.split_once(' ')).unwrap_or(("id", "asc"));
    let order = Order { field, descending: direction.eq_ignore_ascii_case("desc") };
    let mut records: Vec<_> = order.sorted(chosen).skip(start as usize).take(limit as usize + 1).collect();
    let more = records.len() > limit as usize;
    records.truncate(limit as usize);
    Ok((Page { records, next: more.then_some(start.saturating_add(limit)) }, start, limit))
}

struct Order<'a> {
    field: &'a str,
    descending: bool,
}

type Records<'a> = Box<dyn DoubleEndedIterator<Item = Record> + 'a>;

impl Order<'_> {
    fn key<'a>(&self, record: &'a Record) -> (Option<&'a str>, u64) {
        let value = record.get(self.field).and_then(Value::as_str);
        (value, record["id"].as_u64().unwrap_or_default())
    }

    /// Records come by their ids: then none needs to be made that is not on the page.
    fn sorted<'a>(&self, records: Records<'a>) -> Records<'a> {
        let records: Records<'a> = if self.field == "id" {
            records
        } else {
            let mut all: Vec<_> = records.collect();
            all.sort_by(|a, b| self.key(a).cmp(&self.key(b)));
            Box::new(all.into_iter())
        };
        if self.descending { Box::new(records.rev()) } else { records }
    }

    fn beyond(&self, record: &Record, cursor: &Cursor) -> bool {
        let (here, there) = (self.key(record), (cursor.value.as_str(), cursor.id));
        if self.descending { here < there } else { here > there }
    }
}

fn chosen<'a>(crm: &'a Crm, kind: Kind, scope: Scope, query: &Query) -> Result<Records<'a>, String> {
    let ids = query.get("ids").map(|ids| ids.split(',').map(str::parse).collect::<Result<Vec<u64>, _>>());
    let ids = ids.transpose().map_err(|_| "ids: must be whole numbers")?;
    if ids.as_ref().is_some_and(|ids| ids.len() > MOST_IDS) {
        return Err(format!("ids: at most {MOST_IDS}"));
    }
    let (since, until) = (query.time("updated_since")?, query.time("updated_until")?);
    let status = if kind == Kind::Deal { status(query)? } else { None };
    let mut numbers = Vec::new();
    for name in NUMBERS {
        numbers.extend(query.number(name)?.map(|wanted| (name, wanted)));
    }
    numbers.extend(query.number("user_id")?.map(|wanted| ("owner_id", wanted)));
    let wanted = move |record: &Record| {
        let updated = record["update_time"].as_str();
        let deleted = status.as_deref() == Some("deleted");
        is_there(record) != deleted
            && status.as_deref().is_none_or(|status| deleted || record["status"] == status)
            && (deleted
                || record.get("is_archived").is_none_or(|it| (*it == true) == (scope == Scope::Archived)))
            && since.as_deref().is_none_or(|since| updated.is_some_and(|at| at >= since))
            && until.as_deref().is_none_or(|until| updated.is_some_and(|at| at < until))
            && numbers.iter().all(|(name, wanted)| record.get(*name).is_some_and(|it| *it == *wanted))
    };
    let all: Box<dyn DoubleEndedIterator<Item = u64>> = match ids {
        Some(mut ids) => {
            ids.sort_unstable();
            ids.dedup();
            Box::new(ids.into_iter())
        }
        None => Box::new(crm.ids(kind)),
    };
    Ok(Box::new(all.filter_map(move |id| crm.get(kind, id)).filter(wanted)))
}

/// `all_not_deleted` is what v1 calls the usual.
fn status(query: &Query) -> Result<Option<String>, String> {
    let words = ["open", "won", "lost", "deleted", "all_not_deleted"];
    Ok(query.one_of("status", &words)?.filter(|status| status != "all_not_deleted"))
}
