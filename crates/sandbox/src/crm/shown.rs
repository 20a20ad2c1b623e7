//! Records as lists show them.

use serde_json::{Value, json};

use super::{
    Crm, Kind, Record, is_there,
    old::at_root,
    old::old_time,
    products::{has_owner, products_of},
};
use crate::{answers, query::Query};

const MOST_CUSTOM: usize = 15;

/// Its records are in the shape of their version as they are.
pub(super) fn is_shown_as_it_is(kind: Kind) -> bool {
    hidden(kind).is_empty()
}

/// What records have and lists do not show.
fn hidden(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Variation | Kind::Currency => &["is_deleted", "add_time", "update_time"],
        Kind::DealProduct | Kind::Task | Kind::Board | Kind::Phase | Kind::Lead | Kind::LeadLabel => {
            &["is_deleted"]
        }
        Kind::Project => &["is_deleted", "is_archived"],
        Kind::Note | Kind::File | Kind::ActivityType | Kind::Filter => &["is_deleted"],
        Kind::User => &["add_time", "update_time"],
        _ => &[],
    }
}

/// A record in the shape of the version that lists it: v2 where it has this kind.
pub(crate) fn shown(crm: &Crm, kind: Kind, mut record: Record) -> Record {
    let there = is_there(&record);
    for name in hidden(kind) {
        record.remove(*name);
    }
    if matches!(kind, Kind::Note | Kind::File | Kind::ActivityType | Kind::Filter | Kind::Currency) {
        record.insert("active_flag".into(), json!(there));
        for name in ["add_time", "update_time"] {
            if let Some(time) = record.get_mut(name) {
                *time = old_time(time);
            }
        }
    }
    match kind {
        Kind::Lead => {
            // Those without a value are left out.
            let custom = record.remove("custom_fields");
            let custom = custom.as_ref().and_then(Value::as_object).into_iter().flatten();
            record.extend(
                custom.filter(|(_, value)| !value.is_null()).flat_map(|(key, value)| at_root(key, value)),
            );
        }
        Kind::Note => note(crm, &mut record),
        Kind::File => file(crm, &mut record),
        _ => {}
    }
    record
}

/// Every record of a kind that is not gone for good, deleted or not.
pub(crate) fn truth(crm: &Crm, kind: Kind) -> Vec<Value> {
    let all = crm.ids(kind).filter_map(|id| crm.get(kind, id));
    all.map(|record| {
        let deleted = !is_there(&record) || !has_owner(crm, kind, &record);
        let archived = record.get("is_archived").cloned();
        let mut record = shown(crm, kind, record);
        record.insert("is_deleted".into(), json!(deleted));
        record.extend(archived.map(|it| ("is_archived".to_owned(), it)));
        record.into()
    })
    .collect()
}

/// What is known of the records that others name.
fn part_of(crm: &Crm, kind: Kind, record: &Record, field: &str, part: &str) -> Option<Value> {
    let text = record.get(field).map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned))?;
    crm.id_of(kind, &text).and_then(|id| crm.get(kind, id)).and_then(|mut linked| linked.remove(part))
}

fn note(crm: &Crm, record: &mut Record) {
    let links = [
        ("deal", Kind::Deal, "deal_id", "title"),
        ("person", Kind::Person, "person_id", "name"),
        ("organization", Kind::Organization, "org_id", "name"),
        ("project", Kind::Project, "project_id", "title"),
    ];
    for (name, kind, field, part) in links {
        let known = part_of(crm, kind, record, field, part);
        record.insert(name.into(), known.map_or(Value::Null, |known| json!({ part: known })));
    }
    let user = record["user_id"].as_u64().and_then(answers::user);
    let user = user.map(
        |user| json!({ "email": user["email"], "icon_url": null, "is_you": false, "name": user["name"] }),
    );
    record.insert("user".into(), user.unwrap_or_default());
}

fn file(crm: &Crm, record: &mut Record) {
    let links = [
        ("deal_name", Kind::Deal, "deal_id", "title"),
        ("person_name", Kind::Person, "person_id", "name"),
        ("org_name", Kind::Organization, "org_id", "name"),
        ("product_name", Kind::Product, "product_id", "name"),
        ("project_name", Kind::Project, "project_id", "title"),
        ("lead_name", Kind::Lead, "lead_id", "title"),
    ];
    for (name, kind, field, part) in links {
        let known = part_of(crm, kind, record, field, part);
        record.insert(name.into(), known.unwrap_or_default());
    }
    let url = format!("https://app.pipedrive.com/api/v1/files/{}/download", record["id"]);
    record.insert("url".into(), json!(url));
}

/// What a list of v2 shows beyond the usual, and less.
pub(super) struct Extras<'a> {
    fields: Vec<&'a str>,
    custom: Option<Vec<&'a str>>,
    option_labels: bool,
    labels: bool,
}

impl<'a> Extras<'a> {
    pub(super) fn new(kind: Kind, query: &'a Query) -> Result<Self, String> {
        let words = |name: &str| query.get(name).map(|words| words.split(',').collect::<Vec<_>>());
        let fields = words("include_fields").unwrap_or_default();
        if let Some(unknown) =
            fields.iter().find(|field| !kind.optional_fields().split(' ').any(|it| it == **field))
        {
            return Err(format!("include_fields: {unknown} is not allowed"));
        }
        let custom = words("custom_fields");
        if custom.as_ref().is_some_and(|keys| keys.len() > MOST_CUSTOM) {
            return Err(format!("custom_fields: at most {MOST_CUSTOM}"));
        }
        let flag =
            |name| Ok::<_, String>(query.one_of(name, &["true", "false"])?.is_some_and(|it| it == "true"));
        Ok(Self {
            fields,
            custom,
            option_labels: flag("include_option_labels")?,
            labels: flag("include_labels")?,
        })
    }

    pub(super) fn are_none(&self) -> bool {
        self.fields.is_empty() && self.custom.is_none() && !self.option_labels && !self.labels
    }

    pub(super) fn add(&self, crm: &Crm, kind: Kind, id: u64, mut record: Record) -> Record {
        if let Some(custom) = record.get_mut("custom_fields").and_then(Value::as_object_mut) {
            if let Some(wanted) = &self.custom {
                custom.retain(|key, _| wanted.contains(&key.as_str()));
            }
            for field in crm.fields(kind).iter().filter(|_| self.option_labels) {
                if let (Some(options), Some(value)) = (&field.options, custom.get_mut(&field.code)) {
                    *value = labelled(options, value);
                }
            }
        }
        if self.labels {
            let labels = crm.fields(kind).iter().find(|field| field.code == "label_ids");
            let options = labels.and_then(|field| field.options.as_deref()).unwrap_or_default();
            let all = labelled(options, record.get("label_ids").unwrap_or(&Value::Null));
            record.insert("labels".into(), all);
        }
        for name in &self.fields {
            let value = match *name {
                "attendees" => json!([]),
                "products_count" => json!(products_of(crm, id)),
                _ if name.ends_with("_count") => json!(crm.chance(kind, id).below(name, 10)),
                "smart_bcc_email" => {
                    json!(format!("acme+{}{id}@pipedrivemail.example", kind.title().to_lowercase()))
                }
                _ => Value::Null,
            };
            record.entry(*name).or_insert(value);
        }
        shown(crm, kind, record)
    }
}

/// Ids as objects with their labels.
fn labelled(options: &[super::fields::Choice], value: &Value) -> Value {
    match value {
        Value::Array(ids) => ids.iter().map(|id| labelled(options, id)).collect(),
        Value::Number(_) => {
            let text = value.to_string();
            let known = options.iter().find(|it| it.id == *value || it.id.as_str() == Some(&text));
            json!({ "id": value, "label": known.map(|it| &it.label) })
        }
        _ => Value::Null,
    }
}
