//! Where a saved sync writes. As a whole it may hold a password, and is sealed.

use std::path::PathBuf;

use keyhaven_connectors::FieldError;
use keyhaven_store::SyncRow;
use keyhaven_sync::Destination;
use keyhaven_vault::{Place, Secret};
use url::Url;

use super::folder::Kind;
use crate::{Ctx, Error, Keyhaven};

const FIELD: &str = "destination";

/// A destination that was understood: as it is sealed, and as it is shown.
pub(super) struct Given {
    pub(super) whole: Secret,
    pub(super) shown: String,
}

/// The schema of a PostgreSQL database that names none.
pub(super) fn schema(slug: &str) -> String {
    slug.replace('-', "_")
}

/// Reads what a person gave: `crm.db`, `sqlite:crm.db` or the address of a PostgreSQL database; `parquet:crm` or
/// `s3://bucket/crm`, where the program can write those.
pub(super) fn read(app: &Keyhaven, text: &Secret, slug: &str) -> Result<Given, FieldError> {
    let wrong = |message: String| FieldError { field: FIELD.into(), message };
    let text = text.expose().trim();
    if text.is_empty() {
        return Err(wrong(
            "Say where to: a file such as crm.db, or the address of a PostgreSQL database.".into(),
        ));
    }
    let is_name = !text.contains(':');
    if let Some((kind, name)) = Kind::of(text).or_else(|| is_name.then_some((Kind::File, text))) {
        if app.sync_folder.is_none() {
            let message = "This server writes no files; give the address of a PostgreSQL database.";
            return Err(wrong(message.into()));
        }
        let whole = kind.check(name).map_err(wrong)?;
        parsed(&whole, slug)?;
        return Ok(Given { shown: whole.clone(), whole: Secret::new(whole) });
    }
    // Whatever else the engine can write to may be a place of the server that nobody has opened for syncs.
    if !["postgres://", "postgresql://", "s3://"].iter().any(|start| text.starts_with(start)) {
        let message = "A saved sync writes a file such as crm.db, or to the address of a PostgreSQL database, which begins \
                       with postgres://. For other places run keyhaven sync where they are.";
        return Err(wrong(message.into()));
    }
    let it = parsed(text, slug)?;
    Ok(Given { shown: it.to_string(), whole: Secret::new(it.reveal()) })
}

fn parsed(text: &str, slug: &str) -> Result<Destination, FieldError> {
    Destination::parse(text, &schema(slug)).map_err(|error| FieldError {
        field: FIELD.into(),
        message: format!("{}. {}", capital(&error.message), error.remedy),
    })
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}", letters.as_str())
}

/// The place of a sealed destination: bound to its sync, as a key is to its connection.
pub(super) fn slot<'a>(workspace: &'a str, sync: &'a str, version: i64) -> Place<'a> {
    Place { workspace, connection: sync, field: FIELD, version }
}

/// Where a sync writes, opened: for the run that writes there, and for nothing else.
pub(super) async fn open(app: &Keyhaven, ctx: &Ctx, row: &SyncRow) -> Result<String, Error> {
    let found = app.store.read(&ctx.scope()).sync_destination(&row.id).await?;
    let (sealed, version) = found.ok_or_else(|| super::no_sync(&row.id))?;
    let whole = app.key.open(&slot(&ctx.workspace, &row.id, version), &sealed)?;
    Ok(whole.expose().to_owned())
}

/// The same for this machine: a file by its path; a database with no password but its own. The message is for people.
pub(super) fn on_this_machine(folder: Option<&PathBuf>, whole: String) -> Result<String, String> {
    let Some((kind, name)) = Kind::of(&whole) else { return Ok(without_ours(whole)) };
    kind.place(folder.ok_or("this server has no folder for files any more")?, name)
}

/// Without a password PostgreSQL's clients take that of the server's environment (`PGPASSWORD`, `~/.pgpass`), which is not
/// for databases that others name.
fn without_ours(whole: String) -> String {
    let Ok(mut url) = Url::parse(&whole) else { return whole };
    if url.password().is_none() && !url.query_pairs().any(|(name, _)| name == "password") {
        url.query_pairs_mut().append_pair("password", "");
    }
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_gets_no_password_but_its_own() {
        let to = |text: &str| on_this_machine(None, text.into()).unwrap();
        assert_eq!(to("postgres://me@host/db?schema=crm"), "postgres://me@host/db?schema=crm&password=");
        for whole in ["postgres://me:own@host/db?schema=crm", "postgres://host/db?password=own&schema=crm"] {
            assert_eq!(to(whole), whole);
        }
    }
}
