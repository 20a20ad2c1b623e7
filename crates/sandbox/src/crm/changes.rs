//! What becomes of records.

use serde_json::{Value, json};

use super::{Crm, Kind, Record, generate, is_there, table::Stored};

impl Crm {
    pub(crate) fn add(&mut self, kind: Kind, fields: Record, user: u64, now: u64) -> u64 {
        let id = self.ids(kind).end() + 1;
        let mut record = generate::blank(self, kind, id, user);
        record.insert("add_time".into(), json!(generate::written(kind, now as i64 * 1000)));
        if let Some(custom) = self.custom_fields(kind) {
            let custom = custom.iter().filter(|field| field.is_custom());
            let empty: Record = custom.map(|field| (field.code.clone(), Value::Null)).collect();
            record.insert("custom_fields".into(), empty.into());
        }
        write(&mut record, kind, fields, now);
        self.put(kind, id, record, now);
        id
    }

    pub(crate) fn change(&mut self, kind: Kind, id: u64, fields: Record, now: u64) -> Option<u64> {
        let mut record = self.get(kind, id).filter(is_there)?;
        write(&mut record, kind, fields, now);
        self.put(kind, id, record, now);
        Some(id)
    }

    /// Keeps the record, marked. A delete is no change: `update_time` stays.
    pub(crate) fn delete(&mut self, kind: Kind, id: u64, now: u64) -> Option<u64> {
        let mut record = self.get(kind, id).filter(is_there)?;
        record.insert("is_deleted".into(), json!(true));
        self.put(kind, id, record, now);
        Some(id)
    }

    /// Takes the mark away again.
    pub(crate) fn restore(&mut self, kind: Kind, id: u64, now: u64) -> Option<u64> {
        let mut record = self.get(kind, id).filter(|record| !is_there(record))?;
        write(&mut record, kind, Record::from_iter([("is_deleted".into(), json!(false))]), now);
        self.put(kind, id, record, now);
        Some(id)
    }

    /// Takes a record away for good.
    pub(crate) fn purge(&mut self, kind: Kind, id: u64) -> Option<u64> {
        self.get(kind, id)?;
        self.store(kind, id, Stored::Gone);
        Some(id)
    }

    /// A change that puts a record into the list of archived ones, or takes it out.
    pub(crate) fn set_archived(&mut self, kind: Kind, id: u64, archived: bool, now: u64) -> Option<u64> {
        let at = if archived { json!(generate::written(kind, now as i64 * 1000)) } else { Value::Null };
        let mut fields = Record::from_iter([("is_archived".into(), json!(archived))]);
        if kind != Kind::Lead {
            fields.insert("archive_time".into(), at);
        }
        kind.can_be_archived().then(|| self.change(kind, id, fields, now)).flatten()
    }

    fn put(&mut self, kind: Kind, id: u64, record: Record, now: u64) {
        let before = match self.table(kind).get(id) {
            Some(Stored::Here { deleted_at, .. }) => *deleted_at,
            _ => None,
        };
        let deleted_at = (!is_there(&record)).then(|| before.unwrap_or(now));
        let parent = record.get("deal_id").and_then(Value::as_u64).filter(|_| kind == Kind::DealProduct);
        self.store(kind, id, Stored::Here { record, deleted_at });
        // What a deal sells is part of it.
        if let Some(deal) = parent {
            self.change(Kind::Deal, deal, Record::new(), now);
        }
    }
}

fn write(record: &mut Record, kind: Kind, mut fields: Record, now: u64) {
    let now = json!(generate::written(kind, now as i64 * 1000));
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
            let day = |closed: bool| {
                if closed { json!(now.as_str().and_then(|now| now.get(..10))) } else { Value::Null }
            };
            let days =
                times.map(|(name, closed)| (format!("local_{}", name.replace("time", "date")), day(closed)));
            record.extend(days);
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
