//! `deals_readable` and its like: names in place of numbers, without what is deleted.

use keyhaven_connectors::streams::{Shape, Streams};

use crate::{error::SyncError, fields, names::quoted, page::DELETED_AT, state, writer::Writer};

/// What a view's name ends with.
pub(crate) const ENDING: &str = "_readable";
/// Columns that name a record, the first that is there.
const NAMES: [&str; 3] = ["name", "title", "subject"];

/// Makes the views that are missing or have changed.
pub(crate) fn refresh(writer: &mut Writer, streams: &Streams) -> Result<(), SyncError> {
    for stream in streams.streams.iter().filter(|it| it.table.is_none()) {
        let table = &stream.name;
        if !writer.ours.contains(table) {
            continue;
        }
        let mut links: Vec<(String, String)> =
            stream.columns.iter().filter_map(|it| Some((it.name.clone(), it.to.clone()?))).collect();
        for field in state::fields(writer.db.as_mut(), table)? {
            if let Shape::Reference(to) = fields::shape(streams, &field.kind) {
                links.push((format!("{}_id", field.column), to));
            }
        }
        if links.is_empty() {
            continue;
        }
        let sql = select(writer, table, &links);
        view(writer, &format!("{table}{ENDING}"), &sql)?;
    }
    Ok(())
}

fn select(writer: &Writer, table: &str, links: &[(String, String)]) -> String {
    let columns = writer.objects.get(table).cloned().unwrap_or_default();
    let shown = columns.iter().filter(|it| it.as_str() != DELETED_AT);
    let mut chosen: Vec<String> = shown.map(|it| format!("t.{}", quoted(it))).collect();
    let mut joins = String::new();
    let mut names = columns.clone();
    for (n, (column, to)) in links.iter().enumerate() {
        let there = writer.objects.get(to).filter(|_| writer.ours.contains(to));
        let name = there.and_then(|there| NAMES.iter().find(|name| there.iter().any(|it| it == *name)));
        let (Some(name), true) = (name, columns.contains(column)) else { continue };
        let base = column.strip_suffix("_id").unwrap_or(column);
        let candidates = [base.to_owned(), format!("{base}_name"), format!("{base}_name_{n}")];
        let Some(alias) = candidates.into_iter().find(|it| !names.contains(it)) else { continue };
        chosen.push(format!("j{n}.{} AS {}", quoted(name), quoted(&alias)));
        joins += &format!(" LEFT JOIN {} j{n} ON j{n}.id = t.{}", quoted(to), quoted(column));
        names.push(alias);
    }
    format!(
        "SELECT {} FROM {} t{joins} WHERE t.{} IS NULL",
        chosen.join(", "),
        quoted(table),
        quoted(DELETED_AT)
    )
}

fn view(writer: &mut Writer, name: &str, select: &str) -> Result<(), SyncError> {
    let there = writer.objects.contains_key(name);
    // A table or view of somebody else is left alone.
    if there && !writer.ours.contains(name) {
        return Ok(());
    }
    let key = format!("view {name}");
    if there && writer.remembered(&key)?.as_deref() == Some(select) {
        return Ok(());
    }
    writer.db.begin()?;
    let make = |writer: &mut Writer| {
        if there {
            writer.db.execute(&format!("DROP VIEW {}", quoted(name)), &[])?;
        }
        writer.db.execute(&format!("CREATE VIEW {} AS {select}", quoted(name)), &[])?;
        writer.own(name, "view")?;
        writer.remember(&key, select)
    };
    match make(writer) {
        Ok(()) => {
            writer.commit()?;
            writer.objects = writer.db.objects()?;
            Ok(())
        }
        // A view of somebody else that is built on ours holds it as it was.
        Err(error) if there => {
            tracing::warn!(%error, view = name, "a view stays as it was");
            writer.db.rollback();
            Ok(())
        }
        Err(error) => Err(error),
    }
}
