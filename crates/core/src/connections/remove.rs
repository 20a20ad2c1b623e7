//! Delete, bring back, destroy.

use keyhaven_store::ConnectionRow;

use super::{live_row, row};
use crate::{Connection, Ctx, Error, Keyhaven, ctx::Millis, jobs};

/// How long a deleted connection can be brought back.
pub const TRASH_LIVES: Millis = 30 * 24 * 60 * 60 * 1000;

/// How final a deletion is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// Into the trash for 30 days.
    Trash,
    /// The sealed values are destroyed at once.
    Destroy,
}

/// Deletes a connection. One that is in the trash already can still be destroyed.
pub async fn delete(app: &Keyhaven, ctx: &Ctx, which: &str, how: Removal) -> Result<(), Error> {
    ctx.may_change()?;
    let row = row(app, ctx, which).await?;
    match how {
        Removal::Destroy => destroy(app, ctx, &row).await,
        Removal::Trash if row.deleted_at.is_some() => Ok(()),
        Removal::Trash => trash(app, ctx, &row).await,
    }
}

async fn trash(app: &Keyhaven, ctx: &Ctx, row: &ConnectionRow) -> Result<(), Error> {
    let purge_at = ctx.now() + TRASH_LIVES;
    let mut tx = app.store.begin(&ctx.scope()).await?;
    tx.delete_connection(&row.id, purge_at).await?;
    tx.delete_pending_change(&row.id).await?;
    tx.cancel_syncs_of(&row.id).await?;
    tx.finish_job(jobs::VERIFY, &row.id).await?;
    tx.schedule_job(jobs::PURGE, &row.id, purge_at).await?;
    ctx.audit(&mut tx, "connection.delete", &row.id).await?;
    Ok(tx.commit().await?)
}

/// Brings a deleted connection back, and has it verified again soon.
pub async fn restore(app: &Keyhaven, ctx: &Ctx, which: &str) -> Result<Connection, Error> {
    ctx.may_change()?;
    let row = row(app, ctx, which).await?;
    if row.deleted_at.is_none() {
        return Err(Error::NothingToDo("this connection is not deleted"));
    }
    let mut tx = app.store.begin(&ctx.scope()).await?;
    tx.restore_connection(&row.id, ctx.now()).await?;
    tx.finish_job(jobs::PURGE, &row.id).await?;
    tx.schedule_job(jobs::VERIFY, &row.id, ctx.now()).await?;
    ctx.audit(&mut tx, "connection.restore", &row.id).await?;
    tx.commit().await?;
    app.job_scheduled.notify_one();
    app.sync_due.notify_one();
    app.view(live_row(app, ctx, &row.id).await?)
}

/// The end of the 30 days.
pub(crate) async fn purge(app: &Keyhaven, ctx: &Ctx, id: &str) -> Result<(), Error> {
    match row(app, ctx, id).await {
        Ok(row) if row.purge_at.is_some_and(|at| at <= ctx.now()) => destroy(app, ctx, &row).await,
        Ok(_) | Err(Error::NotFound { .. }) => {
            let mut tx = app.store.begin(&ctx.scope()).await?;
            tx.finish_job(jobs::PURGE, id).await?;
            Ok(tx.commit().await?)
        }
        Err(error) => Err(error),
    }
}

/// Row, secrets, history and jobs go; the audit log keeps that there was one. The write-ahead log is
/// folded in, so that no copy of the sealed values stays behind in it.
async fn destroy(app: &Keyhaven, ctx: &Ctx, row: &ConnectionRow) -> Result<(), Error> {
    let mut tx = app.store.begin(&ctx.scope()).await?;
    tx.destroy_connection(&row.id).await?;
    tx.finish_job(jobs::VERIFY, &row.id).await?;
    tx.finish_job(jobs::PURGE, &row.id).await?;
    ctx.audit_end(&mut tx, "connection.destroy", &row.id, &row.name).await?;
    tx.commit().await?;
    app.forget_told_budget(&row.id);
    app.known.forget(&row.id);
    app.feedback.forget(&row.id);
    Ok(app.store.checkpoint().await?)
}
