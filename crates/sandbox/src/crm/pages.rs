//! Lists, page by page.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Crm, Kind, Line, Paging, Record,
    choose::Wanted,
    cursor,
    kind::is_known_param,
    order::{Key, Order},
    shown::{Extras, is_shown_as_it_is},
};
use crate::{operation::Version, query::Query};

pub(super) const MOST: u64 = 500;
const USUAL: u64 = 100;
const DIRECTIONS: [&str; 2] = ["asc", "desc"];

/// Archived records have a list of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    Usual,
    Archived,
}

/// One page of a list.
pub(crate) struct Page<R, C> {
    pub records: Vec<R>,
    /// What to ask for next.
    pub next: Option<C>,
}

/// Where a page ended. Callers treat it as opaque.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Cursor {
    field: String,
    /// Milliseconds or text; nothing in the order of ids.
    value: Value,
    direction: String,
    id: u64,
}

impl Cursor {
    pub(super) fn decode(kind: Kind, text: &str) -> Result<Self, String> {
        let cursor: Self = cursor::decode(text)?;
        let known = kind.orders().contains(&&*cursor.field) && DIRECTIONS.contains(&&*cursor.direction);
        if known { Ok(cursor) } else { Err("cursor: not a valid cursor".into()) }
    }

    /// Of a list by ids, after this one.
    pub(super) fn after(id: u64) -> String {
        let order = Order { field: "id".into(), descending: false };
        cursor::encode(&Self::new(&order, &order.key(id, &Record::new())))
    }

    /// The id after which a list by ids goes on.
    pub(super) fn begin(&self) -> Option<u64> {
        (self.field == "id" && self.direction == "asc").then_some(self.id)
    }

    fn new(order: &Order, key: &Key) -> Self {
        let value = if key.text.is_empty() { key.time.into() } else { key.text.clone().into() };
        let direction = DIRECTIONS[usize::from(order.descending)].to_owned();
        Self { field: order.field.clone(), value, direction, id: key.id }
    }

    fn key(&self) -> Key {
        let time = self.value.as_i64().unwrap_or(super::index::NEVER);
        Key { time, text: self.value.as_str().unwrap_or_default().to_owned(), id: self.id }
    }
}

fn limit(query: &Query) -> Result<u64, String> {
    let limit = query.number("limit")?.unwrap_or(USUAL);
    if (1..=MOST).contains(&limit) { Ok(limit) } else { Err(format!("limit: must be between 1 and {MOST}")) }
}

/// A list of v2; of all records, or of those with some ids.
pub(crate) fn list(
    crm: &Crm,
    kind: Kind,
    scope: Scope,
    only: Option<Vec<u64>>,
    query: &Query,
    now: u64,
) -> Result<Page<Line, String>, String> {
    let limit = limit(query)?;
    let params = kind.spec().params;
    if let Some(unknown) =
        query.names().find(|name| is_known_param(name) && !params.split(' ').any(|it| it == *name))
    {
        return Err(format!("{unknown}: is not allowed"));
    }
    let after = query.get("cursor").map(|text| Cursor::decode(kind, text)).transpose()?;
    let order = match &after {
        Some(cursor) => Order { field: cursor.field.clone(), descending: cursor.direction == "desc" },
        None => Order {
            field: query.one_of("sort_by", kind.orders())?.unwrap_or_else(|| "id".into()),
            descending: query.one_of("sort_direction", &DIRECTIONS)?.is_some_and(|it| it == "desc"),
        },
    };
    let extras = Extras::new(kind, query)?;
    let mut wanted = Wanted::new(kind, scope, Version::V2, query, now)?;
    if let Some(ids) = only {
        wanted = wanted.only(ids);
    }
    let ids = wanted.ids(crm, kind, &order, after.as_ref().map(Cursor::key));
    let ids = ids.filter(|id| wanted.may_have(crm, kind, *id));
    // What is neither filtered nor sorted nor shown in another way need not be made.
    let plain =
        wanted.is_plain(&order) && order.field == "id" && extras.are_none() && is_shown_as_it_is(kind);
    let found = ids.filter_map(|id| match plain.then(|| crm.text(kind, id)).flatten() {
        Some(text) => Some((order.key(id, &Record::new()), Line::Text(text))),
        None => {
            let record = crm.get(kind, id).filter(|record| wanted.has(record))?;
            Some((order.key(id, &record), Line::Record(extras.add(crm, kind, id, record))))
        }
    });
    let mut found: Vec<_> = found.take(limit as usize + 1).collect();
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found.last().filter(|_| more).map(|(key, _)| cursor::encode(&Cursor::new(&order, key)));
    let records = found.into_iter().map(|(_, line)| line).collect();
    Ok(Page { records, next })
}

/// A list of v1. A limit above the largest is taken as the largest.
pub(crate) fn list_old(
    crm: &Crm,
    kind: Kind,
    scope: Scope,
    query: &Query,
    now: u64,
) -> Result<(Page<Record, u64>, u64, u64), String> {
    let most = if let Some(Paging::Offset(most)) = kind.spec().old { most } else { MOST };
    let (start, limit) = query.offset(most, USUAL)?;
    let (field, direction) = query.get("sort").and_then(|sort| sort.split_once(' ')).unwrap_or(("id", "asc"));
    let field = if kind.orders().contains(&field) { field } else { "id" };
    let order = Order { field: field.to_owned(), descending: direction.eq_ignore_ascii_case("desc") };
    let wanted = Wanted::new(kind, scope, Version::V1, query, now)?;
    let ids = wanted.ids(crm, kind, &order, None).filter(|id| wanted.may_have(crm, kind, *id));
    // What is skipped need not be made.
    let (early, late) = if wanted.is_plain(&order) { (start, 0) } else { (0, start) };
    let found =
        ids.skip(early as usize).filter_map(|id| crm.get(kind, id)).filter(|record| wanted.has(record));
    let mut records: Vec<_> = found.skip(late as usize).take(limit as usize + 1).collect();
    let more = records.len() > limit as usize;
    records.truncate(limit as usize);
    Ok((Page { records, next: more.then_some(start.saturating_add(limit)) }, start, limit))
}

/// A list that comes in one piece.
pub(crate) fn whole(
    crm: &Crm,
    kind: Kind,
    version: Version,
    query: &Query,
    now: u64,
) -> Result<Vec<Record>, String> {
    if kind == Kind::Phase && query.number("board_id")?.is_none() {
        return Err("board_id: is required".into());
    }
    let wanted = Wanted::new(kind, Scope::Usual, version, query, now)?;
    let ids = crm.ids(kind).filter(|id| wanted.may_have(crm, kind, *id));
    Ok(ids.filter_map(|id| crm.get(kind, id)).filter(|record| wanted.has(record)).collect())
}

/// Definitions of fields as v2 has them; the cursor is the place in the list.
pub(crate) fn definitions(
    crm: &Crm,
    kind: Kind,
    query: &Query,
) -> Result<(Vec<Value>, Option<String>), String> {
    let limit = limit(query)? as usize;
    let start: usize = query.get("cursor").map_or(Ok(0), cursor::decode)?;
    let extra: Vec<_> =
        query.get("include_fields").map(|names| names.split(',').collect()).unwrap_or_default();
    let known = ["ui_visibility", "important_fields", "required_fields"];
    if let Some(unknown) = extra.iter().find(|name| !known.contains(name)) {
        return Err(format!("include_fields: {unknown} is not allowed"));
    }
    let all = crm.fields(kind);
    let page = all.iter().skip(start).take(limit).map(|field| field.definition(kind, &extra)).collect();
    let next = start.saturating_add(limit);
    Ok((page, (all.len() > next).then(|| cursor::encode(&next))))
}

/// Definitions of fields as v1 has them. Leads have those of deals too.
pub(crate) fn old_definitions(
    crm: &Crm,
    kind: Kind,
    query: &Query,
) -> Result<(Page<Record, u64>, u64, u64), String> {
    let (start, limit) = query.offset(MOST, USUAL)?;
    let shared = if kind == Kind::Lead { crm.fields(Kind::Deal) } else { &[] };
    let all: Vec<_> =
        crm.fields(kind).iter().chain(shared.iter().filter(|field| field.is_custom())).collect();
    let page = all.iter().enumerate().skip(start as usize).take(limit as usize);
    let records = page.filter_map(|(n, field)| match field.old_definition(n + 1) {
        Value::Object(definition) => Some(definition),
        _ => None,
    });
    let next = start.saturating_add(limit);
    Ok((Page { records: records.collect(), next: (all.len() as u64 > next).then_some(next) }, start, limit))
}
