//! Changes that a test makes directly: no key, no limits, no cost, no checks.

use std::sync::PoisonError;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{
    Kind, State, answers,
    crm::{Crm, truth},
};

/// A change to the records or fields of a company. Ids are numbers, and UUIDs where the kind has them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Act {
    /// A new record; gives its id. Fields are as v2 names them, custom ones under `custom_fields`; `update_time`, if
    /// given, is taken as it is, null too.
    Create {
        /// Of which kind.
        kind: Kind,
        /// All that is not as usual.
        #[serde(default)]
        fields: Map<String, Value>,
    },
    /// Other values, with the time of now if `update_time` is not given.
    Change {
        /// Of which kind.
        kind: Kind,
        /// Which record.
        id: Value,
        /// Those that change.
        fields: Map<String, Value>,
    },
    /// As a user deletes: `update_time` stays.
    Delete {
        /// Of which kind.
        kind: Kind,
        /// Which record.
        id: Value,
    },
    /// A deleted record is back, which is a change.
    Restore {
        /// Of which kind.
        kind: Kind,
        /// Which record.
        id: Value,
    },
    /// The record is gone for good, from the list of deleted deals too.
    Purge {
        /// Of which kind.
        kind: Kind,
        /// Which record.
        id: Value,
    },
    /// Into the list of archived records: deals, leads, projects.
    Archive {
        /// Of which kind.
        kind: Kind,
        /// Which record.
        id: Value,
    },
    /// Out of it again.
    Unarchive {
        /// Of which kind.
        kind: Kind,
        /// Which record.
        id: Value,
    },
    /// One is gone for good, and what named it names the other.
    Merge {
        /// Of which kind.
        kind: Kind,
        /// The one that goes.
        from: Value,
        /// The one that stays.
        into: Value,
    },
    /// A custom field, null everywhere; gives its code.
    AddField {
        /// Of which kind of record.
        kind: Kind,
        /// For people.
        name: String,
        /// Such as `varchar`.
        #[serde(rename = "type")]
        field_type: String,
        /// Labels, for `enum` and `set`.
        #[serde(default)]
        options: Vec<String>,
    },
    /// Another name for people.
    RenameField {
        /// Of which kind of record.
        kind: Kind,
        /// Its code.
        code: String,
        /// The new name.
        name: String,
    },
    /// Values are shown in the new shape, or as null where they have none in it.
    RetypeField {
        /// Of which kind of record.
        kind: Kind,
        /// Its code.
        code: String,
        /// Such as `varchar`.
        #[serde(rename = "type")]
        field_type: String,
    },
    /// The definition and all values are gone.
    RemoveField {
        /// Of which kind of record.
        kind: Kind,
        /// Its code.
        code: String,
    },
    /// One more choice; gives its id.
    AddOption {
        /// Of which kind of record.
        kind: Kind,
        /// The field's code.
        code: String,
        /// For people.
        label: String,
    },
    /// Another label.
    RenameOption {
        /// Of which kind of record.
        kind: Kind,
        /// The field's code.
        code: String,
        /// Which choice.
        id: Value,
        /// The new label.
        label: String,
    },
    /// The choice is gone; records keep its id.
    RemoveOption {
        /// Of which kind of record.
        kind: Kind,
        /// The field's code.
        code: String,
        /// Which choice.
        id: Value,
    },
}

impl State {
    /// Changes the company. Gives the id or code of what is new; an error when there is no such record or field.
    pub fn act(&self, company: u64, act: &Act) -> Result<Value, String> {
        let (crm, now) = self.company(company);
        let mut crm = crm.write().unwrap_or_else(PoisonError::into_inner);
        let done = perform(&mut crm, now, act);
        done.ok_or_else(|| format!("nothing to do it to: {}", json!(act)))
    }

    /// All records of a kind that are not gone for good, as a list shows them, each with `is_deleted` (and where the kind
    /// knows that, `is_archived`). What belongs to a deleted deal or product is deleted with it.
    pub fn truth(&self, company: u64, kind: Kind) -> Vec<Value> {
        let (crm, _) = self.company(company);
        let crm = crm.read().unwrap_or_else(PoisonError::into_inner);
        truth(&crm, kind)
    }

    /// The definitions of the fields of a kind, as v2 has them.
    pub fn fields(&self, company: u64, kind: Kind) -> Vec<Value> {
        let (crm, _) = self.company(company);
        let crm = crm.read().unwrap_or_else(PoisonError::into_inner);
        crm.fields(kind).iter().map(|field| field.definition(kind, &[])).collect()
    }
}

fn perform(crm: &mut Crm, now: u64, act: &Act) -> Option<Value> {
    let number = |crm: &Crm, kind: Kind, id: &Value| match id {
        Value::String(text) => crm.id_of(kind, text),
        other => other.as_u64(),
    };
    let null = |_| Value::Null;
    match act {
        Act::Create { kind, fields } => {
            let id = crm.add(*kind, fields.clone(), answers::users_of(crm.company).first().copied()?, now);
            Some(crm.shown_id(*kind, id))
        }
        Act::Change { kind, id, fields } => {
            crm.change(*kind, number(crm, *kind, id)?, fields.clone(), now).map(null)
        }
        Act::Delete { kind, id } => crm.delete(*kind, number(crm, *kind, id)?, now).map(null),
        Act::Restore { kind, id } => crm.restore(*kind, number(crm, *kind, id)?, now).map(null),
        Act::Purge { kind, id } => crm.purge(*kind, number(crm, *kind, id)?).map(null),
        Act::Archive { kind, id } => crm.set_archived(*kind, number(crm, *kind, id)?, true, now).map(null),
        Act::Unarchive { kind, id } => crm.set_archived(*kind, number(crm, *kind, id)?, false, now).map(null),
        Act::Merge { kind, from, into } => {
            let (from, into) = (number(crm, *kind, from)?, number(crm, *kind, into)?);
            crm.merge(*kind, from, into, now).map(null)
        }
        Act::AddField { kind, name, field_type, options } => crm.add_field(*kind, name, field_type, options),
        Act::RenameField { kind, code, name } => {
            crm.edit_field(*kind, code, |field| name.clone_into(&mut field.name))
        }
        Act::RetypeField { kind, code, field_type } => {
            crm.edit_field(*kind, code, |field| field.retype(field_type))
        }
        Act::RemoveField { kind, code } => crm.remove_field(*kind, code),
        Act::AddOption { kind, code, label } => crm.add_option(*kind, code, label),
        Act::RenameOption { kind, code, id, label } => {
            crm.edit_option(*kind, code, id, |options, place| label.clone_into(&mut options[place].label))
        }
        Act::RemoveOption { kind, code, id } => crm.edit_option(*kind, code, id, |options, place| {
            options.remove(place);
        }),
    }
}
