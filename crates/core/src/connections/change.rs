//! Rename, edit, and what happens when a new key belongs to somebody else.

use std::collections::BTreeMap;

use keyhaven_connectors::{Account, Connector, FieldError, Inputs, Values, Verdict};
use keyhaven_store::{ConnectionChange, ConnectionRow, NewPendingChange, PendingChangeRow};
use keyhaven_vault::{Place, Secret};

use super::{connector_of, live_row, put_secrets, row, saved_values, search_key, verify, with_learned};
use crate::{
    Connection, Ctx, Error, Keyhaven, connection,
    ctx::Millis,
    error::OtherAccount,
    names, usage,
    verification::{self, Checked},
};

/// What to change; what is absent stays.
pub struct Change {
    /// A new name. Never verifies.
    pub name: Option<String>,
    /// New values. An absent or empty secret keeps the saved one; any other change verifies.
    pub fields: Option<Inputs>,
    /// The revision that the caller worked on; refused if it is another one by now.
    pub revision: Option<i64>,
    /// What to do if the new key belongs to another company.
    pub if_other_account: IfOtherAccount,
}

/// A key of another company is never taken over silently.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum IfOtherAccount {
    /// Change nothing and say whose it is.
    Refuse,
    /// Say whose it is, and keep the new values sealed for an hour, so that the person can still say yes.
    Hold,
    /// Take it over: the person has said yes.
    Accept,
}

/// A change that waits for a yes.
#[derive(Debug)]
pub struct Pending {
    /// Whose key the new one is.
    pub account: Account,
    /// When it is forgotten.
    pub expires_at: Millis,
}

const HELD_FOR: Millis = 60 * 60 * 1000;

/// Changes name, values or both.
pub async fn change(app: &Keyhaven, ctx: &Ctx, which: &str, change: Change) -> Result<Connection, Error> {
    ctx.may_change()?;
    let row = live_row(app, ctx, which).await?;
    if change.revision.is_some_and(|revision| revision != row.revision) {
        return Err(Error::Stale { current: row.revision });
    }
    let connector = connector_of(app, &row)?;
    let name = names::check(change.name.as_deref().unwrap_or(&row.name));
    let saved_plain: BTreeMap<String, String> = serde_json::from_str(&row.fields)?;
    let new = change.fields.map(|inputs| connector.check_for_edit(inputs, &saved_plain)).transpose();
    let (name, new) = match (name, new) {
        (Ok(name), Ok(new)) => (name, new),
        (name, new) => return Err(Error::Invalid(wrong(name.err(), new.err()))),
    };
    let new = new.filter(|new| !new.secret.is_empty() || new.plain != saved_plain);
    let Some(new) = new else {
        write(app, ctx, &row, &name, None).await?;
        return super::get(app, ctx, &row.id).await;
    };
    edit(app, ctx, connector, row, &name, new, change.if_other_account).await
}

fn wrong(name: Option<FieldError>, fields: Option<Vec<FieldError>>) -> Vec<FieldError> {
    name.into_iter().chain(fields.unwrap_or_default()).collect()
}

async fn edit(
    app: &Keyhaven,
    ctx: &Ctx,
    connector: &Connector,
    row: ConnectionRow,
    name: &str,
    new: Values,
    if_other: IfOtherAccount,
) -> Result<Connection, Error> {
    // Only a secret that was typed anew can belong to somebody else.
    let new_secret = !new.secret.is_empty();
    let mut whole = saved_values(app, &app.store.read(&ctx.scope()), &row).await?;
    let Values { plain, secret } = new;
    let typed: Vec<String> = secret.keys().cloned().collect();
    whole.plain = plain;
    whole.secret.extend(secret);
    let checked = verification::check(app, ctx.now(), connector, &whole).await;
    let accounts = verify::account_of(&row)?.zip(checked.verdict.account.clone()).filter(|_| new_secret);
    if let Some((saved, new)) = accounts.filter(|(saved, new)| !saved.is_same_company(new)) {
        if if_other == IfOtherAccount::Hold {
            hold(app, ctx, &row, name, &whole, &typed, &checked.verdict, &new).await?;
        }
        if if_other != IfOtherAccount::Accept {
            return Err(Error::OtherAccount(Box::new(OtherAccount { saved, new })));
        }
        usage::forget_told_budget(app, ctx, &row.id).await?;
    }
    whole.secret.retain(|field, _| typed.contains(field));
    store_and_record(app, ctx, row, name, whole, checked).await
}

async fn store_and_record(
    app: &Keyhaven,
    ctx: &Ctx,
    old: ConnectionRow,
    name: &str,
    new: Values,
    checked: Checked,
) -> Result<Connection, Error> {
    write(app, ctx, &old, name, Some(&new)).await?;
    let stored = row(app, ctx, &old.id).await?;
    verify::record(app, ctx, stored, &checked, verify::Trigger::Save).await
}

/// One transaction: name, plain values, newly sealed secrets, and the audit record.
async fn write(
    app: &Keyhaven,
    ctx: &Ctx,
    row: &ConnectionRow,
    name: &str,
    new: Option<&Values>,
) -> Result<(), Error> {
    let plain = match new {
        Some(new) => new.plain.clone(),
        None => serde_json::from_str(&row.fields)?,
    };
    let app_name = app.catalogue.get(&row.connector).map_or("", |connector| connector.name.as_str());
    let line = verify::account_of(row)?.map(|account| account.line()).unwrap_or_default();
    let mut tx = app.store.begin(&ctx.scope()).await?;
    let changed = tx
        .change_connection(&ConnectionChange {
            id: row.id.clone(),
            revision: row.revision,
            name: name.into(),
            sort_key: name.to_lowercase(),
            search_key: search_key(name, &row.slug, app_name, &plain, &line),
            fields: serde_json::to_string(&plain)?,
        })
        .await?;
    if !changed {
        return Err(Error::Stale { current: row.revision + 1 });
    }
    if let Some(new) = new {
        // The version is the revision under which the values were saved.
        let version = row.revision + 1;
        put_secrets(app, &mut tx, ctx, &row.id, &new.secret, version).await?;
        for field in new.secret.keys() {
            tx.delete_older_secrets(&row.id, field, version).await?;
        }
        tx.delete_pending_change(&row.id).await?;
    }
    let action = if new.is_some() { "connection.edit" } else { "connection.rename" };
    ctx.audit(&mut tx, action, &row.id).await?;
    tx.commit().await?;
    if new.is_some() {
        app.store.checkpoint().await?;
    }
    Ok(())
}

/// Keeps the new values sealed until the person has answered. If only the domain does not fit the new
/// company, the one that does is kept with them: a yes means the company, not the typing error.
#[expect(clippy::too_many_arguments, reason = "one call, and a struct would only repeat the names")]
async fn hold(
    app: &Keyhaven,
    ctx: &Ctx,
    row: &ConnectionRow,
    name: &str,
    whole: &Values,
    typed: &[String],
    verdict: &Verdict,
    account: &Account,
) -> Result<(), Error> {
    let mut plain = with_learned(whole.plain.clone(), verdict);
    if let Some(suggestion) = &verdict.suggestion {
        plain.insert(suggestion.field.clone(), suggestion.value.clone());
    }
    let version = row.revision + 1;
    let mut secrets = Vec::new();
    for field in typed {
        let Some(secret) = whole.secret.get(field) else { continue };
        let slot = held_field(field);
        let place = Place { workspace: &ctx.workspace, connection: &row.id, field: &slot, version };
        secrets.push((field.clone(), app.key.seal(&place, secret)?));
    }
    let mut tx = app.store.begin(&ctx.scope()).await?;
    tx.put_pending_change(&NewPendingChange {
        connection: row.id.clone(),
        name: name.into(),
        fields: serde_json::to_string(&plain)?,
        account: serde_json::to_string(account)?,
        version,
        expires_at: ctx.now() + HELD_FOR,
        secrets,
    })
    .await?;
    ctx.audit(&mut tx, "connection.other_account", &row.id).await?;
    Ok(tx.commit().await?)
}

/// A held secret is sealed for a place of its own, so that it never opens as a saved one.
fn held_field(field: &str) -> String {
    format!("pending:{field}")
}

/// The change of this connection that waits for a yes, if there is one.
pub async fn pending(app: &Keyhaven, ctx: &Ctx, which: &str) -> Result<Option<Pending>, Error> {
    let row = row(app, ctx, which).await?;
    let Some(held) = held(app, ctx, &row).await? else { return Ok(None) };
    Ok(Some(Pending { account: serde_json::from_str(&held.account)?, expires_at: held.expires_at }))
}

async fn held(app: &Keyhaven, ctx: &Ctx, row: &ConnectionRow) -> Result<Option<PendingChangeRow>, Error> {
    let held = app.store.read(&ctx.scope()).pending_change(&row.id).await?;
    Ok(held.filter(|held| held.expires_at > ctx.now() && held.version == row.revision + 1))
}

/// Yes: the connection shall belong to the other company.
pub async fn accept_pending(app: &Keyhaven, ctx: &Ctx, which: &str) -> Result<Connection, Error> {
    ctx.may_change()?;
    let row = live_row(app, ctx, which).await?;
    let connector = connector_of(app, &row)?;
    let held = held(app, ctx, &row)
        .await?
        .ok_or(Error::NothingToDo("there is no change that waits for a yes any more"))?;
    let mut secret: BTreeMap<String, Secret> = BTreeMap::new();
    for (field, sealed) in app.store.read(&ctx.scope()).pending_secrets(&row.id).await? {
        let slot = held_field(&field);
        let place =
            Place { workspace: &ctx.workspace, connection: &row.id, field: &slot, version: held.version };
        secret.insert(field, app.key.open(&place, &sealed)?);
    }
    let new = Values { plain: serde_json::from_str(&held.fields)?, secret };
    edit(app, ctx, connector, row, &held.name, new, IfOtherAccount::Accept).await
}

/// No: keep the saved key.
pub async fn discard_pending(app: &Keyhaven, ctx: &Ctx, which: &str) -> Result<(), Error> {
    ctx.may_change()?;
    let row = row(app, ctx, which).await?;
    let mut tx = app.store.begin(&ctx.scope()).await?;
    tx.delete_pending_change(&row.id).await?;
    Ok(tx.commit().await?)
}

/// Puts in the value that the verdict suggests, such as the right domain, and verifies.
pub async fn use_suggestion(app: &Keyhaven, ctx: &Ctx, which: &str) -> Result<Connection, Error> {
    ctx.may_change()?;
    let row = live_row(app, ctx, which).await?;
    let settled: Option<connection::Dated> = connection::read(row.verdict.as_deref())?;
    let suggestion = settled.and_then(|dated| dated.verdict.suggestion);
    let suggestion = suggestion.ok_or(Error::NothingToDo("there is no suggestion any more"))?;
    let mut plain: BTreeMap<String, String> = serde_json::from_str(&row.fields)?;
    plain.insert(suggestion.field, suggestion.value);
    let connector = connector_of(app, &row)?;
    let name = row.name.clone();
    let new = Values { plain, secret: BTreeMap::new() };
    edit(app, ctx, connector, row, &name, new, IfOtherAccount::Refuse).await
}
