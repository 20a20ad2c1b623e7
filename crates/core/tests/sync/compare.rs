//! The whole database beside the stand-in's truth.

use std::collections::{BTreeMap, BTreeSet};

use keyhaven_connectors::streams::{FieldsAt, Shape, Sql, Stream};
use keyhaven_core::syncs::{Deleted, Plan};
use keyhaven_sandbox::Kind;
use keyhaven_testkit::{Look, Record};
use serde_json::Value;

use crate::{
    common::House,
    expected::{Cell, Custom, Labels, definition, key, row},
};

/// Which kind of record a table holds.
const TABLES: [(&str, Kind); 19] = [
    ("users", Kind::User),
    ("currencies", Kind::Currency),
    ("activity_types", Kind::ActivityType),
    ("filters", Kind::Filter),
    ("pipelines", Kind::Pipeline),
    ("stages", Kind::Stage),
    ("lead_labels", Kind::LeadLabel),
    ("organizations", Kind::Organization),
    ("persons", Kind::Person),
    ("products", Kind::Product),
    ("product_variations", Kind::Variation),
    ("deals", Kind::Deal),
    ("deal_products", Kind::DealProduct),
    ("activities", Kind::Activity),
    ("leads", Kind::Lead),
    ("notes", Kind::Note),
    ("files", Kind::File),
    ("projects", Kind::Project),
    ("tasks", Kind::Task),
];

/// And whose fields.
const FIELDS: [(&str, Kind, bool); 8] = [
    ("deal_fields", Kind::Deal, false),
    ("person_fields", Kind::Person, false),
    ("organization_fields", Kind::Organization, false),
    ("product_fields", Kind::Product, false),
    ("activity_fields", Kind::Activity, false),
    ("project_fields", Kind::Project, false),
    ("lead_fields", Kind::Lead, true),
    ("note_fields", Kind::Note, true),
];

/// What earlier looks found, and later ones must find again.
#[derive(Default)]
pub(crate) struct Known {
    /// By table, code and type of a field.
    columns: BTreeMap<(String, String, String), String>,
    keys: BTreeMap<String, BTreeSet<String>>,
    /// By table: code and id of choices.
    choices: BTreeMap<String, BTreeSet<(String, String)>>,
}

/// The definitions of a kind's fields, as their list gives them.
pub(crate) fn definitions(house: &House, kind: Kind, is_old: bool) -> Vec<Value> {
    let fields = |kind| house.sandbox.state().fields(keyhaven_sandbox::ACME, kind);
    let mut all = fields(kind);
    if kind == Kind::Lead {
        all.extend(fields(Kind::Deal).into_iter().filter(|it| it["is_custom_field"] == true));
    }
    all.iter().map(|it| definition(it, is_old)).collect()
}

/// All that is wrong with a database after a run that went to the end.
pub(crate) async fn differences(
    house: &House,
    plan: &Plan,
    look: &Look,
    known: &mut Known,
    projects: bool,
) -> Vec<String> {
    let mut wrong = Vec::new();
    let mapped = look.rows("keyhaven_fields").await;
    let labelled = look.rows("keyhaven_options").await;
    for (table, kind) in TABLES {
        if !projects && matches!(kind, Kind::Project | Kind::Task) {
            continue;
        }
        let stream = plan.streams.get(table).unwrap();
        let defining = stream.fields.as_deref().and_then(|by| FIELDS.iter().find(|it| it.0 == by));
        let defined = defining.map(|by| definitions(house, by.1, false)).unwrap_or_default();
        let custom = custom(plan, table, &defined, &mapped, known, &mut wrong);
        let mut labels = Labels::of(&defined);
        let seen = known.choices.entry(table.into()).or_default();
        seen.extend(labels.ids());
        labels.with_removed(labelled.iter().filter(|it| it["table_name"] == table));
        let lost = seen.iter().filter(|(code, id)| !labels.has(code, id));
        wrong.extend(
            lost.map(|(code, id)| format!("{table}: nobody knows the choice {id} of {code} any more")),
        );
        let truth: Vec<Value> =
            house.truth(kind).into_iter().filter(|it| it["is_deleted"] == false).collect();
        let (at, counted) = (stream.fields_at, counted(house));
        let expected = |record: &Value| {
            let mut row = row(&stream.columns, &custom, at, &labels, record);
            if let (Some(cell), Some(id)) = (row.get_mut("products_count"), record["id"].as_u64()) {
                *cell = Cell::Number(counted.get(&id).copied().unwrap_or_default() as f64);
            }
            row
        };
        one_table(plan, look, stream, &truth, expected, known, &mut wrong).await;
    }
    for (table, kind, is_old) in FIELDS {
        if !projects && kind == Kind::Project {
            continue;
        }
        let stream = plan.streams.get(table).unwrap();
        let expected =
            |record: &Value| row(&stream.columns, &[], FieldsAt::Object, &Labels::default(), record);
        one_table(plan, look, stream, &definitions(house, kind, is_old), expected, known, &mut wrong).await;
    }
    wrong
}

/// How many products deals have.
fn counted(house: &House) -> BTreeMap<u64, usize> {
    let mut counted = BTreeMap::new();
    for one in house.truth(Kind::DealProduct).iter().filter(|it| it["is_deleted"] == false) {
        *counted.entry(one["deal_id"].as_u64().unwrap_or_default()).or_default() += 1;
    }
    counted
}

/// The columns of custom fields, from the table that people read; each field must have its own, with its name of
/// today, and always the same.
fn custom(
    plan: &Plan,
    table: &str,
    defined: &[Value],
    mapped: &[Record],
    known: &mut Known,
    wrong: &mut Vec<String>,
) -> Vec<Custom> {
    let mut all = Vec::new();
    for field in defined.iter().filter(|it| it["is_custom_field"] == true) {
        let (code, kind) = (field["field_code"].as_str().unwrap(), field["field_type"].as_str().unwrap());
        let is_it = |it: &&Record| {
            it["table_name"] == table
                && it["field_code"] == code
                && it["field_type"] == kind
                && it["dropped_at"].is_null()
        };
        let rows: Vec<&Record> = mapped.iter().filter(is_it).collect();
        let [row] = rows[..] else {
            wrong.push(format!("{table}: {} columns for the field {field}", rows.len()));
            continue;
        };
        if row["field_name"] != field["field_name"] {
            wrong.push(format!("{table}: the field {field} is still called {}", row["field_name"]));
        }
        let column = row["column_name"].as_str().unwrap().to_owned();
        let before = known.columns.entry((table.into(), code.into(), kind.into())).or_insert(column.clone());
        if *before != column {
            wrong.push(format!("{table}: the column {before} is called {column} now"));
        }
        let shape = plan.streams.field_types.get(kind).cloned().unwrap_or(Shape::Plain(Sql::Text));
        all.push(Custom { code: code.into(), column, shape });
    }
    all
}

async fn one_table(
    plan: &Plan,
    look: &Look,
    stream: &Stream,
    truth: &[Value],
    expected: impl Fn(&Value) -> BTreeMap<String, Cell>,
    known: &mut Known,
    wrong: &mut Vec<String>,
) {
    let table = &stream.name;
    let from = &stream.columns.iter().find(|it| it.name == stream.key).unwrap().from;
    let rows = look.rows(table).await;
    let mut there: BTreeMap<String, &Record> = BTreeMap::new();
    for row in &rows {
        let key = key(row, &stream.key);
        if there.insert(key.clone(), row).is_some() {
            wrong.push(format!("{table} {key} is there twice"));
        }
    }
    let seen = known.keys.entry(table.clone()).or_default();
    for record in truth {
        let key = record[from].as_str().map_or_else(|| record[from].to_string(), str::to_owned);
        let Some(row) = there.remove(&key) else {
            wrong.push(format!("{table} {key} is missing: {record}"));
            continue;
        };
        seen.insert(key.clone());
        if !row["_deleted_at"].is_null() {
            wrong.push(format!("{table} {key} is marked as deleted: {record}"));
        }
        for (column, cell) in expected(record) {
            match row.get(&column) {
                Some(value) if cell.is(value) => {}
                value => wrong.push(format!("{table} {key}: {column} is {value:?} and not {cell:?}")),
            }
        }
    }
    for (key, row) in &there {
        if row["_deleted_at"].is_null() {
            wrong.push(format!("{table} {key} is gone and not marked so"));
        } else if plan.deleted == Deleted::Remove {
            wrong.push(format!("{table} {key} is deleted and was not removed"));
        }
    }
    if plan.deleted == Deleted::Keep {
        let keys: BTreeSet<String> = rows.iter().map(|row| self::key(row, &stream.key)).collect();
        wrong.extend(seen.difference(&keys).map(|key| format!("{table} {key} was there once")));
    }
}

/// Records that changed before a run began, and are not as they were then. Only those that say when they changed.
pub(crate) async fn stale(plan: &Plan, look: &Look, before: &BTreeMap<&str, Vec<Value>>) -> Vec<String> {
    let mut wrong = Vec::new();
    for (table, truth) in before {
        let stream = plan.streams.get(table).unwrap();
        let rows = look.rows(table).await;
        let rows: BTreeMap<String, &Record> = rows.iter().map(|row| (key(row, &stream.key), row)).collect();
        let timed = |it: &&Value| it["is_deleted"] == false && it["update_time"].is_string();
        for record in truth.iter().filter(timed) {
            let key = record["id"].as_str().map_or_else(|| record["id"].to_string(), str::to_owned);
            let expected = row(&stream.columns, &[], FieldsAt::Object, &Labels::default(), record);
            let Some(row) = rows.get(&key) else {
                wrong.push(format!("{table} {key} is missing after a run: {record}"));
                continue;
            };
            if !row["_deleted_at"].is_null() {
                wrong.push(format!("{table} {key} is marked as deleted after a run: {record}"));
            }
            for column in ["title", "name", "subject", "content", "is_archived", "update_time"] {
                if expected.get(column).is_some_and(|cell| !cell.is(&row[column])) {
                    wrong.push(format!("{table} {key}: {column} is stale after a run: {row:?}"));
                }
            }
        }
    }
    wrong
}

/// Those streams that know what changed.
pub(crate) fn timed(house: &House) -> BTreeMap<&'static str, Vec<Value>> {
    let names = ["organizations", "persons", "products", "deals", "activities", "leads", "notes", "files"];
    let tables = TABLES.iter().filter(|(table, _)| names.contains(table));
    tables.map(|(table, kind)| (*table, house.truth(*kind))).collect()
}
