//! Which column belongs to which custom field: kept in `keyhaven_fields`, a table that people can read.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use keyhaven_connectors::streams::{FieldsAt, Shape, Stream, Streams};
use serde::Deserialize;

use crate::{
    names::{column_name, unique},
    page::{
        Column, Layout,
        layout::{Entry, Loose, Target},
    },
    views,
};

/// A field's definition, as the app gives it in either version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Definition {
    pub code: String,
    pub name: String,
    pub kind: String,
    pub custom: bool,
    /// Choices: id, label.
    pub options: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct Choice {
    id: serde_json::Value,
    #[serde(default)]
    label: String,
}

impl Definition {
    pub(crate) fn options(json: &str) -> Vec<(String, String)> {
        let all: Vec<Choice> = serde_json::from_str(json).unwrap_or_default();
        let id = |id: serde_json::Value| id.as_str().map_or_else(|| id.to_string(), str::to_owned);
        all.into_iter().map(|it| (id(it.id), it.label)).collect()
    }
}

/// A custom field that has, or had, columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mapped {
    pub code: String,
    pub name: String,
    pub kind: String,
    /// What its columns' names begin with.
    pub column: String,
    /// When it was last seen to be gone from the app.
    pub dropped_at: Option<String>,
}

/// PostgreSQL takes 1600, and counts those that were dropped; SQLite takes 2000.
const MOST_COLUMNS: usize = 1500;

/// What a field's type becomes.
pub(crate) fn shape(streams: &Streams, kind: &str) -> Shape {
    streams.field_types.get(kind).cloned().unwrap_or(Shape::Plain(keyhaven_connectors::streams::Sql::Text))
}

/// Brings what is known up to date with the definitions. A column keeps its name when the field is renamed; a field that
/// is gone keeps its column; one that has another type now gets a new one. Tells how many fields found no room.
pub(crate) fn settle(
    streams: &Streams,
    known: &mut Vec<Mapped>,
    definitions: &[Definition],
    fixed: &BTreeSet<String>,
    now: &str,
) -> usize {
    let mut taken = fixed.clone();
    for field in known.iter() {
        taken.extend(columns(&field.column, &shape(streams, &field.kind)));
        taken.insert(field.column.clone());
    }
    for field in known.iter_mut() {
        let there = definitions.iter().any(|it| it.custom && it.code == field.code && it.kind == field.kind);
        match (&field.dropped_at, there) {
            (None, false) => field.dropped_at = Some(now.to_owned()),
            (Some(_), true) => field.dropped_at = None,
            _ => {}
        }
    }
    let mut without_room = 0;
    for definition in definitions.iter().filter(|it| it.custom) {
        let same = |it: &&mut Mapped| it.code == definition.code && it.kind == definition.kind;
        if let Some(field) = known.iter_mut().find(same) {
            field.name.clone_from(&definition.name);
            continue;
        }
        let shape = shape(streams, &definition.kind);
        let endings: Vec<&str> = shape.parts().iter().map(|part| part.ending).collect();
        if taken.len() + endings.len() > MOST_COLUMNS {
            without_room += 1;
            continue;
        }
        let column = unique(&column_name(&definition.name, &definition.code), &endings, &taken);
        taken.extend(columns(&column, &shape));
        taken.insert(column.clone());
        known.push(Mapped {
            code: definition.code.clone(),
            name: definition.name.clone(),
            kind: definition.kind.clone(),
            column,
            dropped_at: None,
        });
    }
    without_room
}

/// The names of all columns of a field.
pub(crate) fn columns(column: &str, shape: &Shape) -> Vec<String> {
    shape.parts().iter().map(|part| format!("{column}{}", part.ending)).collect()
}

/// Names of the columns that do not come from custom fields.
pub(crate) fn fixed(described: &Stream) -> BTreeSet<String> {
    let mut layout = Layout::default();
    for column in &described.columns {
        layout.add(&column.name, &column.shape);
    }
    layout.finish();
    // Names that the views give to what they join.
    let joined =
        described.columns.iter().filter(|it| it.to.is_some()).filter_map(|it| views::named(&it.name));
    layout.columns.into_iter().map(|Column { name, .. }| name).chain(joined).collect()
}

/// How a stream's records fill its table.
pub(crate) fn layout(
    streams: &Streams,
    stream: &Stream,
    described: &Stream,
    fields: &[Mapped],
    definitions: &[Definition],
) -> Layout {
    let labels: BTreeMap<&str, HashMap<String, String>> =
        definitions.iter().map(|it| (it.code.as_str(), it.options.iter().cloned().collect())).collect();
    let labels = |code: &str| labels.get(code).cloned().unwrap_or_default();
    let mut layout = Layout { table: stream.table().to_owned(), ..Layout::default() };
    for column in &described.columns {
        let slot = layout.add(&column.name, &column.shape);
        let entry = Entry { slot, shape: column.shape.clone(), labels: labels(&column.from) };
        for key in column.or.iter().chain([&column.from]) {
            layout.root.insert(key.clone(), Target::Whole(entry.clone()));
        }
    }
    for field in fields.iter().filter(|it| it.dropped_at.is_none()) {
        let shape = shape(streams, &field.kind);
        let slot = layout.add(&field.column, &shape);
        if described.fields_at == FieldsAt::Root {
            for (n, part) in shape.parts().iter().enumerate().skip(1).filter(|(_, part)| !part.key.is_empty())
            {
                let key = if part.key == "timezone_name" { "timezone_id" } else { part.key };
                layout.root.insert(
                    format!("{}_{key}", field.code),
                    Target::Loose(Loose { slot: slot + n, sql: part.sql }),
                );
            }
        }
        let entry = Target::Whole(Entry { slot, shape, labels: labels(&field.code) });
        match described.fields_at {
            FieldsAt::Object => layout.custom.insert(field.code.clone(), entry),
            FieldsAt::Root => layout.root.insert(field.code.clone(), entry),
        };
    }
    layout.finish();
    layout.key = layout.slot(&stream.key).unwrap_or_default();
    layout.updated = layout.slot("update_time");
    layout.gone = described.gone.as_ref().and_then(|flag| Some((layout.slot(&flag.column)?, flag.is)));
    layout
}
