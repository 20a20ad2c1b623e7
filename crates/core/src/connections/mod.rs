//! The use cases around a connection. A face calls one of these and renders what comes back.

mod change;
mod create;
mod history;
mod list;
mod remove;
mod verify;

use std::collections::BTreeMap;

use keyhaven_connectors::{Connector, Values, Verdict};
use keyhaven_store::{ConnectionRow, Reader, Tx};
use keyhaven_vault::{Place, Secret};

pub use change::{
    Change, IfOtherAccount, Pending, accept_pending, change, discard_pending, pending, use_suggestion,
};
pub use create::{Idempotency, NewConnection, create};
pub(crate) use history::LIVES as HISTORY_LIVES;
pub use history::{Check, DAYS as HISTORY_DAYS, Day, history, recent};
pub use list::{Attention, COUNTED, Counts, ListQuery, Page, counts, list};
pub(crate) use remove::purge;
pub use remove::{Removal, TRASH_LIVES, delete, restore};
pub use verify::verify;
pub(crate) use verify::{verify_after_call, verify_in_background};

use crate::{Connection, Ctx, Error, Keyhaven, names};

/// One connection by id or slug; deleted ones too.
pub async fn get(app: &Keyhaven, ctx: &Ctx, which: &str) -> Result<Connection, Error> {
    app.view(row(app, ctx, which).await?)
}

pub(crate) async fn row(app: &Keyhaven, ctx: &Ctx, which: &str) -> Result<ConnectionRow, Error> {
    // What cannot be an id is not looked for: PostgreSQL takes no NUL in a text.
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let found = if which.len() > MAX_WHICH || !which.chars().all(is_word) {
        None
    } else {
        app.store.read(&ctx.scope()).connection(which).await?
    };
    // Who may not use it does not learn whether it exists.
    ctx.may_use(found.as_ref().map_or(which, |row| &row.id))?;
    found.ok_or_else(|| Error::no_connection(&names::shown(which)))
}

/// Longer than any id or slug.
const MAX_WHICH: usize = 100;

/// A row that is not in the trash: those in it are neither changed nor verified.
pub(crate) async fn live_row(app: &Keyhaven, ctx: &Ctx, which: &str) -> Result<ConnectionRow, Error> {
    let row = row(app, ctx, which).await?;
    if row.deleted_at.is_some() {
        return Err(Error::NothingToDo("this connection is deleted; restore it first"));
    }
    Ok(row)
}

fn connector_of<'a>(app: &'a Keyhaven, row: &ConnectionRow) -> Result<&'a Connector, Error> {
    app.catalogue.get(&row.connector).ok_or_else(|| Error::ConnectorGone(row.connector.clone()))
}

/// The saved values, secrets opened. Lives as short as a verification.
async fn saved_values(app: &Keyhaven, reader: &Reader<'_>, row: &ConnectionRow) -> Result<Values, Error> {
    let mut secret = BTreeMap::new();
    for sealed in reader.secrets(&row.id).await? {
        let place = Place {
            workspace: &row.workspace,
            connection: &row.id,
            field: &sealed.field,
            version: sealed.version,
        };
        secret.insert(sealed.field.clone(), app.key.open(&place, &sealed.sealed)?);
    }
    Ok(Values { plain: serde_json::from_str(&row.fields)?, secret })
}

/// Seals the secrets under the next version and takes away the older ones.
async fn put_secrets(
    app: &Keyhaven,
    tx: &mut Tx,
    ctx: &Ctx,
    connection: &str,
    secrets: &BTreeMap<String, Secret>,
    version: i64,
) -> Result<(), Error> {
    for (field, secret) in secrets {
        let place = Place { workspace: &ctx.workspace, connection, field, version };
        tx.put_secret(connection, field, version, &app.key.seal(&place, secret)?).await?;
    }
    Ok(())
}

/// What the list's search looks through: everything that is shown, in lower case.
fn search_key(
    name: &str,
    slug: &str,
    app_name: &str,
    plain: &BTreeMap<String, String>,
    account: &str,
) -> String {
    let mut words = vec![name, slug, app_name, account];
    words.extend(plain.values().map(String::as_str));
    words.join("\n").to_lowercase()
}

/// Plain values with what the verification taught: a domain that was left empty.
fn with_learned(mut plain: BTreeMap<String, String>, verdict: &Verdict) -> BTreeMap<String, String> {
    for (field, value) in &verdict.learned {
        let slot = plain.entry(field.clone()).or_default();
        if slot.is_empty() {
            slot.clone_from(value);
        }
    }
    plain
}
