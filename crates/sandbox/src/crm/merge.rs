//! Two records become one.

use serde_json::{Value, json};

use super::{Crm, Kind, Record, is_there, table::Stored};

/// Kinds whose records name others.
const NAMING: [Kind; 8] = [
    Kind::Deal,
    Kind::Person,
    Kind::Activity,
    Kind::DealProduct,
    Kind::Lead,
    Kind::Note,
    Kind::File,
    Kind::Project,
];

/// The fields that name a record of a kind, and the lists of such.
fn naming(kind: Kind) -> (&'static [&'static str], Option<&'static str>) {
    match kind {
        Kind::Deal => (&["deal_id"], Some("deal_ids")),
        Kind::Person => (&["person_id"], Some("person_ids")),
        Kind::Organization => (&["org_id", "organization_id"], Some("org_ids")),
        Kind::Product => (&["product_id"], None),
        Kind::Project => (&["project_id"], None),
        _ => (&[], None),
    }
}

impl Crm {
    /// The loser is gone for good; what named it names the winner, which is a change of that record.
    pub(crate) fn merge(&mut self, kind: Kind, from: u64, into: u64, now: u64) -> Option<u64> {
        let both = [from, into].map(|id| self.get(kind, id).filter(is_there).is_some());
        if from == into || both != [true, true] {
            return None;
        }
        for naming_kind in NAMING {
            let all: Vec<_> = self.ids(naming_kind).collect();
            for id in all {
                let fields = self.get(naming_kind, id).map(|record| moved(&record, kind, from, into));
                if let Some(fields) = fields.filter(|fields| !fields.is_empty()) {
                    self.change(naming_kind, id, fields, now);
                }
            }
        }
        self.store(kind, from, Stored::Gone);
        self.change(kind, into, Record::new(), now)
    }
}

/// The fields that change when one record takes the place of another.
fn moved(record: &Record, kind: Kind, from: u64, into: u64) -> Record {
    let (single, several) = naming(kind);
    let mut fields = Record::new();
    for name in single.iter().filter(|name| record.get(**name).is_some_and(|id| *id == from)) {
        fields.insert((*name).to_owned(), json!(into));
    }
    let replaced = |id: &Value| if *id == from { json!(into) } else { id.clone() };
    if let Some((name, Value::Array(ids))) = several.and_then(|name| record.get_key_value(name))
        && ids.iter().any(|id| *id == from)
    {
        fields.insert(name.clone(), ids.iter().map(replaced).collect());
    }
    if let Some(Value::Array(all)) = record.get("participants").filter(|_| kind == Kind::Person)
        && all.iter().any(|one| one["person_id"] == from)
    {
        let mut all = all.clone();
        for one in &mut all {
            one["person_id"] = replaced(&one["person_id"]);
        }
        fields.insert("participants".into(), all.into());
    }
    fields
}
