//! `deals_readable` and its like: names in place of numbers, without what is deleted.

use keyhaven_connectors::streams::{Column, Shape, Sql, Streams};

use crate::{error::SyncError, fields, names::quoted, page::DELETED_AT, state, writer::Writer};

/// What a view's name ends with.
pub(crate) const ENDING: &str = "_readable";
/// Columns that name a record, the first that is there.
const NAMES: [&str; 3] = ["name", "title", "subject"];
/// SQLite joins 64 tables at most. What is above is looked up for each row.
const MOST_JOINED: usize = 50;

/// A column that points at records of a table.
struct Link {
    column: String,
    to: String,
    /// It holds a list of them.
    many: bool,
}

/// Makes the views that are missing or have changed. Tells those that it could not make, by stream.
pub(crate) fn refresh(writer: &mut Writer, streams: &Streams) -> Result<Vec<(String, String)>, SyncError> {
    let mut left = Vec::new();
    for stream in streams.streams.iter().filter(|it| it.table.is_none()) {
        let table = &stream.name;
        if !writer.ours.contains(table) {
            continue;
        }
        let link = |it: &Column| {
            let many = it.shape == Shape::Plain(Sql::Json);
            Some(Link { column: it.name.clone(), to: it.to.clone()?, many })
        };
        let mut links: Vec<Link> = stream.columns.iter().filter_map(link).collect();
        for field in state::fields(writer.db.as_mut(), table)? {
            if let Shape::Reference(to) = fields::shape(streams, &field.kind) {
                links.push(Link { column: format!("{}_id", field.column), to, many: false });
            }
        }
        if links.is_empty() {
            continue;
        }
        let sql = select(writer, streams, table, &links);
        let why = view(writer, &format!("{table}{ENDING}"), &sql)?;
        left.extend(why.map(|why| (table.clone(), why)));
    }
    Ok(left)
}

fn select(writer: &Writer, streams: &Streams, table: &str, links: &[Link]) -> String {
    let columns = writer.objects.get(table).cloned().unwrap_or_default();
    let shown = columns.iter().filter(|it| it.as_str() != DELETED_AT);
    let mut chosen: Vec<String> = shown.map(|it| format!("t.{}", quoted(it))).collect();
    let mut joins: Vec<String> = Vec::new();
    let mut names = columns.clone();
    for (n, Link { column, to, many }) in links.iter().enumerate() {
        let there = writer.objects.get(to).filter(|_| writer.ours.contains(to));
        let name = there.and_then(|there| NAMES.iter().find(|name| there.iter().any(|it| it == *name)));
        let (Some(name), true) = (name, columns.contains(column)) else { continue };
        let base = named(column).unwrap_or_else(|| column.clone());
        let candidates = [base.clone(), format!("{base}_name"), format!("{base}_name_{n}")];
        let Some(alias) = candidates.into_iter().find(|it| !names.contains(it)) else { continue };
        let (to, name, column) = (quoted(to), quoted(name), format!("t.{}", quoted(column)));
        let found = if *many {
            writer.db.names(&column, &to, &name, id_type(streams, &links[n].to))
        } else if joins.len() < MOST_JOINED {
            joins.push(format!(" LEFT JOIN {to} j{n} ON j{n}.id = {column}"));
            format!("j{n}.{name}")
        } else {
            format!("(SELECT j.{name} FROM {to} j WHERE j.id = {column})")
        };
        chosen.push(format!("{found} AS {}", quoted(&alias)));
        names.push(alias);
    }
    format!(
        "SELECT {} FROM {} t{} WHERE t.{} IS NULL",
        chosen.join(", "),
        quoted(table),
        joins.concat(),
        quoted(DELETED_AT)
    )
}

/// What the names of the records are called that such a column points at.
pub(crate) fn named(column: &str) -> Option<String> {
    let many = column.strip_suffix("_ids").map(|base| format!("{base}s"));
    many.or_else(|| Some(column.strip_suffix("_id")?.to_owned()))
}

/// What the ids of a table are.
fn id_type(streams: &Streams, table: &str) -> Sql {
    let columns = streams.describing(table).map(|it| it.columns.as_slice()).unwrap_or_default();
    match columns.iter().find(|it| it.name == "id").map(|it| &it.shape) {
        Some(Shape::Plain(sql)) => *sql,
        _ => Sql::Text,
    }
}

/// Why it was left as it is, if it was.
fn view(writer: &mut Writer, name: &str, select: &str) -> Result<Option<String>, SyncError> {
    let there = writer.objects.contains_key(name);
    if there {
        let made = writer.remembered(&noted(name))?.filter(|_| writer.ours.contains(name));
        let is_ours = match &made {
            Some(made) => writer.db.has_view(name, made)?,
            None => false,
        };
        if !is_ours {
            return Ok(Some(format!(
                "no view {name}: there is one, or a table, that Keyhaven did not make; rename it, and the next run makes ours"
            )));
        }
        if made.as_deref() == Some(select) {
            return Ok(None);
        }
    }
    writer.db.begin()?;
    match make(writer, name, select, there) {
        Ok(()) => {
            writer.commit()?;
            writer.objects = writer.db.objects()?;
            Ok(None)
        }
        // A view of somebody else that is built on ours holds it as it was.
        Err(error) if there => {
            writer.rollback();
            Ok(Some(format!(
                "{name} stays as it was ({error}): drop what is built on it, and it is made anew"
            )))
        }
        Err(error) => Err(error),
    }
}

fn make(writer: &mut Writer, name: &str, select: &str, there: bool) -> Result<(), SyncError> {
    if there {
        writer.db.execute(&format!("DROP VIEW {}", quoted(name)), &[])?;
    }
    writer.db.make_view(name, select)?;
    writer.own(name, "view")?;
    writer.remember(&noted(name), select)
}

/// Under which word a view's text is kept.
fn noted(name: &str) -> String {
    format!("view {name}")
}
