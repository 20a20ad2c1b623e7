//! Which records a list has, and in which order.

use serde_json::Value;

use super::{
    Crm, KEPT, Kind, Record, Scope,
    index::{NEVER, Place},
    is_there,
    order::{Key, Order},
    table::Stored,
    time_in,
};
use crate::{operation::Version, query::Query};

const MOST_IDS: usize = 100;
const FLAGS: [&str; 3] = ["done", "is_done", "is_milestone"];
/// Parameters that are no comparison with a field: `deal_id` of a person looks elsewhere, and is passed over.
const OTHERS: [(Kind, &str); 1] = [(Kind::Person, "deal_id")];

/// What a list asks for.
#[derive(Debug)]
pub(super) struct Wanted {
    scope: Scope,
    live: bool,
    deleted: bool,
    statuses: Vec<String>,
    since: Option<i64>,
    until: Option<i64>,
    /// Fields and what they must be, as text.
    equal: Vec<(String, String)>,
    only: Option<Vec<u64>>,
    now: u64,
}

impl Wanted {
    /// All that is not deleted.
    pub(super) fn everything(scope: Scope) -> Self {
        Self {
            scope,
            live: true,
            deleted: false,
            statuses: Vec::new(),
            since: None,
            until: None,
            equal: Vec::new(),
            only: None,
            now: 0,
        }
    }

    pub(super) fn new(
        kind: Kind,
        scope: Scope,
        version: Version,
        query: &Query,
        now: u64,
    ) -> Result<Self, String> {
        let times =
            |name: &str| if version == Version::V2 { query.strict_time(name) } else { query.any_time(name) };
        let mut wanted = Self {
            since: times("updated_since")?,
            until: times("updated_until")?,
            equal: equal(kind, version, query)?,
            only: ids(query)?,
            now,
            ..Self::everything(scope)
        };
        if !kind.statuses().is_empty()
            && let Some(status) = query.get("status").filter(|status| *status != "all_not_deleted")
        {
            wanted.set_statuses(kind, status)?;
        }
        Ok(wanted)
    }

    fn set_statuses(&mut self, kind: Kind, status: &str) -> Result<(), String> {
        for word in status.split(',') {
            match word {
                "deleted" => self.deleted = true,
                _ if kind.statuses().contains(&word) => self.statuses.push(word.to_owned()),
                _ => return Err(format!("status: must be one of {}, deleted", kind.statuses().join(", "))),
            }
        }
        self.live = !self.statuses.is_empty();
        Ok(())
    }

    /// Only records with these ids.
    pub(super) fn only(self, ids: Vec<u64>) -> Self {
        Self { only: Some(ids), ..self }
    }

    /// Whether a record may be among them, without making it.
    pub(super) fn may_have(&self, crm: &Crm, kind: Kind, id: u64) -> bool {
        match crm.table(kind).get(id) {
            Some(Stored::Gone) => false,
            Some(Stored::Here { record, .. }) if is_there(record) => {
                self.live
                    && (record.get("is_archived").is_some_and(|it| it == true)) == self.is_archived(kind)
            }
            Some(Stored::Here { deleted_at, .. }) => {
                self.deleted && deleted_at.is_some_and(|at| self.now < at.saturating_add(KEPT))
            }
            None => {
                let archived = || super::generate::is_archived(crm, kind, id);
                self.live && (!kind.can_be_archived() || archived() == self.is_archived(kind))
            }
        }
    }

    fn is_archived(&self, kind: Kind) -> bool {
        self.scope == Scope::Archived && kind.can_be_archived()
    }

    /// [`Wanted::may_have`] and [`Wanted::ids`] tell all; no record has to be looked at.
    pub(super) fn is_plain(&self, order: &Order) -> bool {
        let timed = self.since.is_none() && self.until.is_none();
        self.equal.is_empty() && self.statuses.is_empty() && (timed || order.field == "update_time")
    }

    pub(super) fn has(&self, record: &Record) -> bool {
        let updated = time_in(record, "update_time");
        let status = || record["status"].as_str().unwrap_or_default();
        (self.statuses.is_empty()
            || !is_there(record)
            || self.statuses.iter().any(|wanted| wanted == status()))
            && self.since.is_none_or(|since| updated >= since)
            && self.until.is_none_or(|until| updated != NEVER && updated < until)
            && self.equal.iter().all(|(field, wanted)| is_equal(record, field, wanted))
    }

    /// Ids in order, those after a place. Not all of them are wanted.
    pub(super) fn ids<'a>(
        &'a self,
        crm: &'a Crm,
        kind: Kind,
        order: &'a Order,
        after: Option<Key>,
    ) -> Box<dyn Iterator<Item = u64> + 'a> {
        let few = match &self.only {
            Some(ids) => Some(ids.clone()),
            None => (!self.live).then(|| crm.table(kind).changed().collect()),
        };
        let timed = self.since.is_some() || self.until.is_some();
        match few {
            None if order.field == "id" && timed => {
                let by_time = Order { field: "update_time".into(), descending: false };
                sorted(self.walk(crm, kind, &by_time, None).collect(), order, after)
            }
            None if order.field == "id" => {
                let (first, last) = crm.ids(kind).into_inner();
                match (order.descending, after) {
                    (false, after) => Box::new(after.map_or(first, |key| key.id.saturating_add(1))..=last),
                    (true, after) => Box::new((first..after.map_or(last + 1, |key| key.id)).rev()),
                }
            }
            None if order.is_of_time() => self.walk(crm, kind, order, after),
            Some(ids) if order.field == "id" => sorted(ids, order, after),
            few => self.made(crm, kind, order, after, few),
        }
    }

    /// By the index of a time.
    fn walk<'a>(
        &self,
        crm: &'a Crm,
        kind: Kind,
        order: &Order,
        after: Option<Key>,
    ) -> Box<dyn Iterator<Item = u64> + 'a> {
        let (mut from, mut to): (Place, Place) = ((NEVER, 0), (i64::MAX, u64::MAX));
        if order.field == "update_time" {
            let first = self.since.or(self.until.map(|_| 0));
            from = first.map_or(from, |since| (since, 0));
            to = self.until.map_or(to, |until| (until, 0));
        }
        if let Some(key) = after {
            if order.descending {
                to = to.min((key.time, key.id));
            } else {
                from = from.max((key.time, key.id.saturating_add(1)));
            }
        }
        let table = crm.table(kind);
        let field = order.field.clone();
        let draw = || (1..=crm.size(kind)).map(|id| super::generate::place(crm, kind, &field, id)).collect();
        let places =
            table.index(&order.field).walk(from..to, order.descending, draw, |id| table.is_changed(id));
        Box::new(places.map(|(_, id)| id))
    }

    /// Where there is no index, all are made.
    fn made<'a>(
        &self,
        crm: &'a Crm,
        kind: Kind,
        order: &Order,
        after: Option<Key>,
        few: Option<Vec<u64>>,
    ) -> Box<dyn Iterator<Item = u64> + 'a> {
        let ids: Box<dyn Iterator<Item = u64>> = match few {
            Some(ids) => Box::new(ids.into_iter()),
            None => Box::new(crm.ids(kind)),
        };
        let wanted = ids.filter(|id| self.may_have(crm, kind, *id));
        let mut keys: Vec<Key> =
            wanted.filter_map(|id| crm.get(kind, id).map(|record| order.key(id, &record))).collect();
        keys.sort();
        if order.descending {
            keys.reverse();
        }
        let beyond = |key: &Key| {
            after.as_ref().is_none_or(|after| if order.descending { key < after } else { key > after })
        };
        keys.retain(beyond);
        Box::new(keys.into_iter().map(|key| key.id))
    }
}

fn sorted(mut ids: Vec<u64>, order: &Order, after: Option<Key>) -> Box<dyn Iterator<Item = u64>> {
    ids.sort_unstable();
    ids.dedup();
    match (order.descending, after.map(|key| key.id)) {
        (false, after) => Box::new(ids.into_iter().filter(move |id| after.is_none_or(|after| *id > after))),
        (true, after) => {
            Box::new(ids.into_iter().rev().filter(move |id| after.is_none_or(|after| *id < after)))
        }
    }
}

fn ids(query: &Query) -> Result<Option<Vec<u64>>, String> {
    let ids = query.get("ids").map(|ids| ids.split(',').map(str::parse).collect::<Result<Vec<u64>, _>>());
    let ids = ids.transpose().map_err(|_| "ids: must be whole numbers")?;
    if ids.as_ref().is_some_and(|ids| ids.len() > MOST_IDS) {
        return Err(format!("ids: at most {MOST_IDS}"));
    }
    Ok(ids)
}

/// Parameters that a field must be equal to. `filter_id` is taken and passed over.
fn equal(kind: Kind, version: Version, query: &Query) -> Result<Vec<(String, String)>, String> {
    let mut equal = Vec::new();
    for name in kind.spec().params.split(' ') {
        let compared =
            (name.ends_with("_id") && name != "filter_id") || FLAGS.contains(&name) || name == "type";
        let Some(value) = query.get(name).filter(|_| compared && !OTHERS.contains(&(kind, name))) else {
            continue;
        };
        let is_word = FLAGS.contains(&name) || matches!(name, "lead_id" | "type") || value == "null";
        if !is_word {
            query.number(name)?;
        }
        equal.push((name.to_owned(), value.to_owned()));
    }
    if version == Version::V1 && Kind::SEARCHED.contains(&kind) {
        equal.extend(query.number("user_id")?.map(|user| ("owner_id".to_owned(), user.to_string())));
    }
    Ok(equal)
}

fn is_equal(record: &Record, field: &str, wanted: &str) -> bool {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match (record.get(field), record.get(&format!("{field}s"))) {
        (Some(value), _) => text(value) == wanted,
        (None, Some(Value::Array(all))) => all.iter().any(|value| text(value) == wanted),
        _ => false,
    }
}
