//! Save, change, pause, delete.

use keyhaven_connectors::FieldError;
use keyhaven_store::{SyncRow, SyncValues};
use keyhaven_sync::{Deleted, expand};
use keyhaven_vault::Secret;
use serde_json::json;

use super::{
    Schedule, Sync,
    destination::{self, Given, slot},
    saved::{chosen, deleted, get, row, schedule},
};
use crate::{Ctx, Error, Keyhaven, connections, ctx::Millis, names};

/// What a person says of a sync; what is absent stays, or is as usual.
#[derive(Default)]
pub struct SyncInput {
    /// What to call it. Empty: connection and destination.
    pub name: Option<String>,
    /// A file such as `crm.db`, or the address of a PostgreSQL database. Empty: as before.
    pub destination: Option<Secret>,
    /// Which streams; empty: all.
    pub streams: Option<Vec<String>>,
    /// `keep` or `remove`.
    pub deleted: Option<String>,
    /// Percent of what is left of the app's budget of today: 1 to 100.
    pub share: Option<String>,
    /// Plain words or cron text.
    pub schedule: Option<String>,
    /// An IANA name.
    pub time_zone: Option<String>,
}

const USUAL_SHARE: i64 = 50;
const MAX_STREAMS: usize = 200;

/// Everything that was checked.
struct Checked {
    values: SyncValues,
    schedule: Schedule,
    destination: Option<Given>,
}

/// The connection that a sync reads through.
struct Through<'a> {
    slug: &'a str,
    name: &'a str,
    connector: &'a str,
}

/// Looks at everything at once, and names every field that is wrong.
fn check(
    app: &Keyhaven,
    through: &Through<'_>,
    input: SyncInput,
    old: Option<&SyncRow>,
) -> Result<Checked, Error> {
    let mut wrong: Vec<FieldError> = Vec::new();
    let mut refuse = |field: &str, message: String| wrong.push(FieldError { field: field.into(), message });
    let old_schedule = old.map(schedule);
    let text = input.schedule.or_else(|| old_schedule.as_ref().map(|it| it.text.clone())).unwrap_or_default();
    let zone = input.time_zone.or_else(|| old_schedule.map(|it| it.time_zone)).unwrap_or_default();
    let schedule = Schedule::parse(&text, &zone).unwrap_or_else(|(field, message)| {
        refuse(field, message);
        Schedule::manual()
    });
    let given = input.destination.filter(|it| old.is_none() || !it.expose().trim().is_empty());
    let destination = given.and_then(|text| match destination::read(app, &text, through.slug) {
        Ok(given) => Some(given),
        Err(error) => {
            refuse(&error.field, error.message);
            None
        }
    });
    let word = input.deleted.unwrap_or_else(|| old.map(|it| it.deleted.clone()).unwrap_or_default());
    let deleted = deleted(&word).unwrap_or_else(|| {
        refuse("deleted", "It must be keep or remove.".into());
        Deleted::Keep
    });
    let share = match input.share.as_deref().map(str::trim) {
        None | Some("") => old.map_or(USUAL_SHARE, |it| it.share),
        Some(text) => text.parse().ok().filter(|share| (1..=100).contains(share)).unwrap_or_else(|| {
            refuse("share", "It must be a whole number of percent, 1 to 100.".into());
            USUAL_SHARE
        }),
    };
    let streams = match (input.streams, old) {
        (Some(streams), _) => streams,
        (None, Some(old)) => chosen(old)?,
        (None, None) => Vec::new(),
    };
    match app.catalogue.get(through.connector).and_then(|it| it.streams.as_ref()) {
        None => refuse("connection", "Keyhaven does not know what to copy from this app.".into()),
        Some(_) if streams.len() > MAX_STREAMS => refuse("streams", "These are too many.".into()),
        Some(known) => {
            if let Err(error) = expand(known, &streams) {
                refuse("streams", format!("{}. {}", names::shown(&error.message), error.remedy));
            }
        }
    }
    let name = input.name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    let name = match (name, old, &destination) {
        (Some(name), ..) => names::check(&name).unwrap_or_else(|error| {
            refuse(&error.field, error.message);
            String::new()
        }),
        (None, Some(old), _) => old.name.clone(),
        (None, None, given) => usual_name(through.name, given.as_ref()),
    };
    if old.is_none() && destination.is_none() && !wrong.iter().any(|it| it.field == "destination") {
        wrong.push(FieldError { field: "destination".into(), message: "It is missing.".into() });
    }
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    let values = SyncValues {
        name,
        streams: serde_json::to_string(&streams)?,
        deleted: super::deleted_word(deleted).into(),
        share,
        schedule: schedule.text.clone(),
        time_zone: schedule.time_zone.clone(),
        next_run_at: None,
    };
    Ok(Checked { values, schedule, destination })
}

/// `Sales EU → crm.db`.
fn usual_name(connection: &str, given: Option<&Given>) -> String {
    let to = given.map(|it| it.shown.trim_start_matches("sqlite:")).unwrap_or_default();
    let to = if to.starts_with("postgres") { "PostgreSQL" } else { to };
    let room = names::MAX_NAME.saturating_sub(to.chars().count() + 3);
    format!("{} → {to}", connection.chars().take(room).collect::<String>())
}

/// Saves a sync through a connection. `paused`: it waits until somebody starts it.
pub async fn create(
    app: &Keyhaven,
    ctx: &Ctx,
    connection: &str,
    input: SyncInput,
    paused: bool,
) -> Result<Sync, Error> {
    ctx.may_manage_syncs()?;
    let on = match connections::live_row(app, ctx, connection).await {
        Err(Error::NotFound { name, .. }) => {
            return Err(Error::field("connection", &format!("There is no connection “{name}”.")));
        }
        found => found?,
    };
    let through = Through { slug: &on.slug, name: &on.name, connector: &on.connector };
    let mut it = check(app, &through, input, None)?;
    let given = it.destination.take().ok_or_else(|| Error::field("destination", "It is missing."))?;
    it.values.next_run_at = it.schedule.next(ctx.now()).filter(|_| !paused);
    let id = ctx.new_id("sy");
    let sealed = app.key.seal(&slot(&ctx.workspace, &id, 1), &given.whole)?;
    let state = if paused { "paused" } else { "active" };
    let mut tx = app.store.begin(&ctx.scope()).await?;
    tx.insert_sync(&id, &on.id, &it.values, state, (&sealed, &given.shown)).await?;
    audit(ctx, &mut tx, "sync.create", &id, &it.values.name).await?;
    tx.commit().await?;
    app.sync_due.notify_one();
    get(app, ctx, &id).await
}

async fn audit(
    ctx: &Ctx,
    tx: &mut keyhaven_store::Tx,
    action: &str,
    id: &str,
    name: &str,
) -> Result<(), Error> {
    Ok(ctx.audit_details(tx, action, id, &json!({ "name": name })).await?)
}

/// Changes a sync. A run that is under way ends as it began.
pub async fn change(app: &Keyhaven, ctx: &Ctx, which: &str, input: SyncInput) -> Result<Sync, Error> {
    ctx.may_manage_syncs()?;
    let old = row(app, ctx, which).await?;
    let on = connections::row(app, ctx, &old.connection).await?;
    let through = Through { slug: &on.slug, name: &on.name, connector: &on.connector };
    let mut it = check(app, &through, input, Some(&old))?;
    it.values.next_run_at = next(ctx, &old, &it.schedule);
    let mut tx = app.store.begin(&ctx.scope()).await?;
    tx.change_sync(&old.id, &it.values).await?;
    if let Some(given) = &it.destination {
        let version = old.destination_version + 1;
        let sealed = app.key.seal(&slot(&ctx.workspace, &old.id, version), &given.whole)?;
        tx.set_sync_destination(&old.id, version, &sealed, &given.shown).await?;
    }
    audit(ctx, &mut tx, "sync.edit", &old.id, &it.values.name).await?;
    tx.commit().await?;
    if it.destination.is_some() {
        app.store.checkpoint().await?;
    }
    app.sync_due.notify_one();
    get(app, ctx, &old.id).await
}

/// When a changed sync is due: what somebody asked for, or was broken off, still is.
fn next(ctx: &Ctx, old: &SyncRow, schedule: &Schedule) -> Option<Millis> {
    let is_due = old.next_run_at.is_some_and(|at| at <= ctx.now());
    match old.state.as_str() {
        _ if is_due => old.next_run_at,
        "active" => schedule.next(ctx.now()),
        _ => None,
    }
}

/// From now on it does not run by itself. A run that is under way goes on.
pub async fn pause(app: &Keyhaven, ctx: &Ctx, which: &str) -> Result<Sync, Error> {
    set_state(app, ctx, which, "paused", "sync.pause", None).await
}

/// It runs by itself again, at the next time of its schedule.
pub async fn resume(app: &Keyhaven, ctx: &Ctx, which: &str) -> Result<Sync, Error> {
    let row = row(app, ctx, which).await?;
    let next = schedule(&row).next(ctx.now());
    set_state(app, ctx, &row.id, "active", "sync.resume", next).await
}

async fn set_state(
    app: &Keyhaven,
    ctx: &Ctx,
    which: &str,
    state: &str,
    action: &str,
    next: Option<Millis>,
) -> Result<Sync, Error> {
    ctx.may_change()?;
    let row = row(app, ctx, which).await?;
    if row.state != state {
        let mut tx = app.store.begin(&ctx.scope()).await?;
        tx.set_sync_state(&row.id, state, next).await?;
        audit(ctx, &mut tx, action, &row.id, &row.name).await?;
        tx.commit().await?;
        app.sync_due.notify_one();
    }
    get(app, ctx, &row.id).await
}

/// Has it run now. A sync of a connection in the trash cannot.
pub async fn run_now(app: &Keyhaven, ctx: &Ctx, which: &str) -> Result<Sync, Error> {
    ctx.may_change()?;
    let row = row(app, ctx, which).await?;
    if row.connection_deleted_at.is_some() {
        return Err(Error::NothingToDo("the connection of this sync is deleted; restore it first"));
    }
    let mut tx = app.store.begin(&ctx.scope()).await?;
    if !tx.ask_sync(&row.id).await? {
        return Err(Error::NothingToDo("this sync is running already"));
    }
    audit(ctx, &mut tx, "sync.ask", &row.id, &row.name).await?;
    tx.commit().await?;
    app.sync_due.notify_one();
    get(app, ctx, &row.id).await
}

/// Has it run now, and from then on by its schedule.
pub async fn start(app: &Keyhaven, ctx: &Ctx, which: &str) -> Result<Sync, Error> {
    let it = resume(app, ctx, which).await?;
    run_now(app, ctx, &it.id).await
}

/// Ends the run that is under way; what it has written stays, and the next run goes on from there.
pub async fn cancel(app: &Keyhaven, ctx: &Ctx, which: &str) -> Result<Sync, Error> {
    ctx.may_change()?;
    let row = row(app, ctx, which).await?;
    let mut tx = app.store.begin(&ctx.scope()).await?;
    if !tx.cancel_sync(&row.id).await? {
        return Err(Error::NothingToDo("this sync is not running"));
    }
    audit(ctx, &mut tx, "sync.cancel", &row.id, &row.name).await?;
    tx.commit().await?;
    get(app, ctx, &row.id).await
}

/// Removes a sync and its history. What it has copied stays where it is.
pub async fn delete(app: &Keyhaven, ctx: &Ctx, which: &str) -> Result<(), Error> {
    ctx.may_change()?;
    let row = row(app, ctx, which).await?;
    let mut tx = app.store.begin(&ctx.scope()).await?;
    tx.delete_sync(&row.id).await?;
    ctx.audit_end(&mut tx, "sync.delete", &row.id, &row.name).await?;
    tx.commit().await?;
    Ok(app.store.checkpoint().await?)
}
