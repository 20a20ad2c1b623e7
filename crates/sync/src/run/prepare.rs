//! Before a stream is read: its custom fields get columns, its table is made or widened, labels are brought up to date.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use keyhaven_connectors::streams::{Shape, Stream, Streams};

use super::{Run, Table};
use crate::{
    error::SyncError,
    fields::{self, Definition, Mapped},
    names::quoted,
    page::{Cell, DELETED_AT, read_labels},
    source::Source,
    state::{self, Labels},
    writer::{Writer, Written},
};

impl<S: Source> Run<'_, S> {
    pub(super) async fn prepare(&self, stream: &Stream) -> Result<Table, SyncError> {
        let (streams, name, now) = (self.plan.streams.clone(), stream.name.clone(), self.now());
        let stream = stream.clone();
        let (layout, without_room, cleared) =
            self.desk.ask(move |writer| prepare(writer, &streams, &stream, &now)).await?;
        if without_room > 0 {
            let note = format!(
                "{without_room} custom fields are left out: no database takes a table with so many columns"
            );
            self.fetcher.teller.stream(&name, |it| it.note = Some(note));
        }
        self.count(&name, &Written { deleted: cleared, ..Written::default() });
        Ok(layout)
    }
}

/// The table as it is now, how many custom fields found no room in it, and how many marked rows went.
fn prepare(
    writer: &mut Writer,
    streams: &Streams,
    stream: &Stream,
    now: &str,
) -> Result<(Table, usize, u64), SyncError> {
    let table = stream.table();
    let Some(described) = streams.describing(table) else {
        return Err(SyncError::destination(
            format!("nothing describes the table {table}"),
            "Leave the stream out.",
        ));
    };
    let defined = described.fields.as_deref().filter(|it| writer.ours.contains(*it));
    let mut definitions = match defined {
        Some(by) => state::definitions(writer.db.as_mut(), by)?,
        None => Vec::new(),
    };
    // A choice that was taken from the list stays what it is where it was made.
    let labels = state::options(writer.db.as_mut(), table)?;
    for definition in &mut definitions {
        let removed = labels.get(&definition.code).into_iter().flatten();
        let removed: Vec<_> =
            removed.filter(|(id, _)| definition.options.iter().all(|it| it.0 != **id)).collect();
        definition.options.extend(removed.into_iter().map(|(id, label)| (id.clone(), label.clone())));
    }
    let mut known = state::fields(writer.db.as_mut(), table)?;
    let (mut without_room, mut new) = (0, BTreeSet::new());
    // Definitions that could not be read say nothing.
    if !definitions.is_empty() {
        let before = known.clone();
        let mut taken = fields::fixed(described);
        // Columns that somebody has added stay theirs.
        taken.extend(writer.objects.get(table).into_iter().flatten().map(|name| name.to_lowercase()));
        without_room = fields::settle(streams, &mut known, &definitions, &taken, now);
        writer.db.begin()?;
        for field in known.iter().filter(|it| !before.contains(it)) {
            let shape = fields::shape(streams, &field.kind);
            let columns = fields::columns(&field.column, &shape);
            state::save_field(writer.db.as_mut(), table, field, &columns.join(", "))?;
            // Of a field that is new in the app all records tell when they get a value.
            if !before.is_empty() && before.iter().all(|it| it.code != field.code) {
                new.extend(columns);
            }
        }
        writer.commit()?;
    }
    let layout = fields::layout(streams, stream, described, &known, &definitions);
    let lacks = |there: &Vec<String>| {
        layout.columns.iter().any(|it| !there.contains(&it.name) && !new.contains(&it.name))
    };
    let mut filling = streams.streams.iter().filter(|it| it.table() == table);
    match writer.objects.get(table) {
        None => filling.try_for_each(|it| writer.forget(&it.name))?,
        Some(there) if lacks(there) => filling.try_for_each(|it| writer.read_again(&it.name))?,
        Some(_) => {}
    }
    writer.ensure(&layout)?;
    relabel(writer, streams, described, &known, &definitions, &labels)?;
    let cleared = writer.clear_marked(&layout)?;
    Ok((Arc::new(layout), without_room, cleared))
}

/// A choice whose label was changed reads so in rows that were written before.
fn relabel(
    writer: &mut Writer,
    streams: &Streams,
    described: &Stream,
    known: &[Mapped],
    definitions: &[Definition],
    before: &Labels,
) -> Result<(), SyncError> {
    let table = described.table();
    writer.db.begin()?;
    for definition in definitions.iter().filter(|it| !it.options.is_empty()) {
        let old = before.get(&definition.code);
        let changed: BTreeSet<&str> = definition
            .options
            .iter()
            .filter(|(id, label)| old.and_then(|old| old.get(id)) != Some(label))
            .map(|(id, _)| id.as_str())
            .collect();
        if changed.is_empty() {
            continue;
        }
        for (id, label) in definition.options.iter().filter(|(id, _)| changed.contains(id.as_str())) {
            state::save_option(writer.db.as_mut(), table, &definition.code, id, label)?;
        }
        let custom = known.iter().find(|it| it.code == definition.code && it.dropped_at.is_none());
        let custom = custom.map(|it| (it.column.clone(), fields::shape(streams, &it.kind)));
        let built_in = described.columns.iter().find(|it| it.from == definition.code);
        let built_in = built_in.map(|it| (it.name.clone(), it.shape.clone()));
        match custom.or(built_in) {
            Some((column, Shape::Option)) => one_choice(writer, table, &column, definition, &changed)?,
            Some((column, Shape::Options)) => choices(writer, described, &column, definition, &changed)?,
            _ => {}
        }
    }
    writer.commit()
}

fn one_choice(
    writer: &mut Writer,
    table: &str,
    column: &str,
    definition: &Definition,
    changed: &BTreeSet<&str>,
) -> Result<(), SyncError> {
    let (label, id) = (quoted(column), quoted(&format!("{column}_id")));
    let sql =
        format!("UPDATE {} SET {label} = $1 WHERE {id} = $2 AND {label} IS DISTINCT FROM $1", quoted(table));
    for (option, new) in definition.options.iter().filter(|(id, _)| changed.contains(id.as_str())) {
        if let Ok(number) = option.parse::<i64>() {
            writer.db.execute(&sql, &[new.as_str().into(), number.into()])?;
        }
    }
    Ok(())
}

fn choices(
    writer: &mut Writer,
    described: &Stream,
    column: &str,
    definition: &Definition,
    changed: &BTreeSet<&str>,
) -> Result<(), SyncError> {
    let (label, ids, key) = (quoted(column), quoted(&format!("{column}_ids")), quoted(&described.key));
    let table = quoted(described.table());
    let labels: HashMap<String, String> = definition.options.iter().cloned().collect();
    let ask = format!(
        "SELECT DISTINCT CAST({ids} AS TEXT) FROM {table} WHERE {ids} IS NOT NULL AND {} IS NULL ORDER BY 1",
        quoted(DELETED_AT)
    );
    let update = format!(
        "UPDATE {table} SET {label} = $1 WHERE CAST({ids} AS TEXT) = $2 AND {label} IS DISTINCT FROM $1 AND {key} IS NOT NULL"
    );
    for row in writer.db.query(&ask, &[])? {
        let Some((ids, text)) = read_labels(&row[0].text(), &labels) else { continue };
        if ids.iter().any(|id| changed.contains(id.as_str())) {
            writer.db.execute(&update, &[text.into(), Cell::clone(&row[0])])?;
        }
    }
    Ok(())
}
