//! Verify a connection, and write down what came out.

use keyhaven_connectors::{Reason, Status};
use keyhaven_store::{ConnectionRow, NewVerification, OutcomeUpdate, Stop};

use super::{connector_of, live_row, saved_values, search_key, with_learned};
use crate::{
    Connection, Ctx, Error, Keyhaven,
    connection::{self, Dated},
    ctx::Millis,
    jobs, schedule, usage,
    verification::{self, Checked},
};

/// What made Keyhaven ask.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trigger {
    /// Values were saved.
    Save,
    /// A person or program asked for it.
    Asked,
    /// The schedule.
    Background,
    /// The app refused a call then.
    Refused(Millis),
    /// The app took a call.
    Answered,
}

impl Trigger {
    fn as_str(self) -> &'static str {
        match self {
            Self::Save => "save",
            Self::Asked => "asked",
            Self::Background => "background",
            Self::Refused(_) => "refused",
            Self::Answered => "answered",
        }
    }
}

/// Verifies now.
pub async fn verify(app: &Keyhaven, ctx: &Ctx, which: &str) -> Result<Connection, Error> {
    ctx.may_change()?;
    let row = live_row(app, ctx, which).await?;
    check_and_record(app, ctx, row, Trigger::Asked).await
}

pub(crate) async fn verify_in_background(app: &Keyhaven, ctx: &Ctx, id: &str) -> Result<(), Error> {
    let row = match live_row(app, ctx, id).await {
        Ok(row) if app.catalogue.get(&row.connector).is_some() => row,
        // Deleted meanwhile, or its connector is gone: nothing to verify until that changes.
        Ok(_) | Err(Error::NotFound { .. } | Error::NothingToDo(_)) => return finish(app, ctx, id).await,
        Err(error) => return Err(error),
    };
    check_and_record(app, ctx, row, Trigger::Background).await.map(drop)
}

/// Verifies because a call that was answered then spoke against the status, unless that was done since. Where the app
/// refused it, the connection is told not to have worked from then on.
pub(crate) async fn verify_after_call(
    app: &Keyhaven,
    ctx: &Ctx,
    id: &str,
    answered_at: Millis,
    is_refused: bool,
) -> Result<(), Error> {
    let row = match live_row(app, ctx, id).await {
        Ok(row) => row,
        Err(Error::NotFound { .. } | Error::NothingToDo(_)) => return Ok(()),
        Err(error) => return Err(error),
    };
    if row.checked_at.is_some_and(|at| at > answered_at) {
        return Ok(());
    }
    let checked = check(app, ctx, &row).await?;
    let trigger = if is_refused { Trigger::Refused(answered_at) } else { Trigger::Answered };
    record(app, ctx, row, &checked, trigger).await.map(drop)
}

async fn finish(app: &Keyhaven, ctx: &Ctx, id: &str) -> Result<(), Error> {
    let mut tx = app.store.begin(&ctx.scope()).await?;
    tx.finish_job(jobs::VERIFY, id).await?;
    Ok(tx.commit().await?)
}

pub(super) async fn check_and_record(
    app: &Keyhaven,
    ctx: &Ctx,
    row: ConnectionRow,
    trigger: Trigger,
) -> Result<Connection, Error> {
    let checked = check(app, ctx, &row).await?;
    record(app, ctx, row, &checked, trigger).await
}

/// Asks the app about the saved values.
async fn check(app: &Keyhaven, ctx: &Ctx, row: &ConnectionRow) -> Result<Checked, Error> {
    let connector = connector_of(app, row)?;
    let values = saved_values(app, &app.store.read(&ctx.scope()), row).await?;
    app.known.note(&row.id, verification::MAX_REQUESTS);
    Ok(verification::check(app, ctx.now(), connector, &values).await)
}

/// Writes the outcome, its history and the next verification in one transaction. Where the connection was
/// changed meanwhile, the outcome is about values that are no more, and is dropped.
pub(super) async fn record(
    app: &Keyhaven,
    ctx: &Ctx,
    row: ConnectionRow,
    checked: &Checked,
    trigger: Trigger,
) -> Result<Connection, Error> {
    let (revision, id) = (row.revision, row.id.clone());
    let update = outcome(app, ctx, &row, checked, trigger)?;
    let mut tx = app.store.begin(&ctx.scope()).await?;
    if !tx.set_outcome(&id, revision, &update).await? {
        drop(tx);
        return super::get(app, ctx, &id).await;
    }
    tx.add_verification(&NewVerification {
        id: ctx.new_id("vf"),
        connection: id.clone(),
        at: checked.at,
        status: checked.verdict.reason.status().as_str().into(),
        reason: checked.verdict.reason.as_str().into(),
        detail: checked.verdict.detail.clone(),
        ms: checked.took.as_millis() as i64,
        trigger: trigger.as_str().into(),
    })
    .await?;
    tx.schedule_job(jobs::VERIFY, &id, update.next_check_at).await?;
    let stop = found_of_stops(checked);
    if let Some(told) = checked.told {
        tx.tell_budget(&told.row(&id)).await?;
    }
    match stop {
        Some(Some(stop)) => tx.stop(&id, stop).await?,
        Some(None) => tx.go_on(&id, checked.at).await?,
        None => {}
    }
    tx.commit().await?;
    if let Some(told) = checked.told {
        app.set_told_budget(&id, told);
    }
    if let Some(stop) = stop {
        app.known.stop(&id, stop.map(|stop| stop.until));
    }
    app.job_scheduled.notify_one();
    app.view(row.with_outcome(update))
}

/// Whether calls may go out today: that none may for a while, that they may, or nothing.
fn found_of_stops(checked: &Checked) -> Option<Option<Stop>> {
    match checked.verdict.reason {
        Reason::BudgetExhausted => {
            let wait = checked.verdict.retry_after.unwrap_or(usage::STOP);
            Some(Some(usage::stop_from(checked.at, wait)))
        }
        Reason::Ok if checked.told.is_none_or(|told| told.remaining > 0) => Some(None),
        _ => None,
    }
}

/// What the row shall say. An answer that settles nothing leaves a status that was settled as it was:
/// an outage is no reason to call a key wrong.
fn outcome(
    app: &Keyhaven,
    ctx: &Ctx,
    row: &ConnectionRow,
    checked: &Checked,
    trigger: Trigger,
) -> Result<OutcomeUpdate, Error> {
    let verdict = &checked.verdict;
    let dated = serde_json::to_string(&Dated { at: checked.at, verdict: verdict.clone() })?;
    let settles = !verdict.reason.is_transient();
    let failures = if settles { 0 } else { row.failures + 1 };
    let pause = ctx.jitter(schedule::pause(verdict, failures, app.verify_every));
    let next_check_at = ctx.now() + pause;

    let was_settled = row.status != Status::Unverified.as_str();
    let keep = !settles && was_settled && trigger != Trigger::Save;
    let plain = with_learned(serde_json::from_str(&row.fields)?, verdict);
    let account = verdict.account.clone().or(account_of(row)?);
    let line = account.as_ref().map(|account| account.line()).unwrap_or_default();
    let app_name = app.catalogue.get(&row.connector).map_or("", |connector| connector.name.as_str());
    let status = if keep { row.status.clone() } else { verdict.reason.status().as_str().to_owned() };
    let is_failing = status == Status::Invalid.as_str();
    let since = if let Trigger::Refused(at) = trigger { at } else { checked.at };
    let fields = serde_json::to_string(&plain)?;
    let before: Option<Dated> = connection::read(row.verdict.as_deref())?;
    let is_other = !keep && before.is_none_or(|before| before.verdict.reason != verdict.reason);
    Ok(OutcomeUpdate {
        changes: status != row.status || is_other || fields != row.fields,
        status,
        verdict: if keep { row.verdict.clone() } else { Some(dated.clone()) },
        account: account.map(|account| serde_json::to_string(&account)).transpose()?,
        search_key: search_key(&row.name, &row.slug, app_name, &plain, &line),
        fields,
        last_check: dated,
        failing_since: is_failing.then(|| row.failing_since.unwrap_or(since)),
        verified_at: if settles { Some(checked.at) } else { row.verified_at },
        checked_at: checked.at,
        next_check_at,
        failures,
    })
}

/// The account of a row, if one was learnt.
pub(super) fn account_of(row: &ConnectionRow) -> Result<Option<keyhaven_connectors::Account>, Error> {
    connection::read(row.account.as_deref())
}
