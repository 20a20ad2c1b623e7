//! From a saved sync to what the engine takes.

use keyhaven_connectors::Connector;
use keyhaven_store::SyncRow;
use keyhaven_sync::{Estimate, Failure, Plan, Sweep, SyncError};

use super::{
    AppSource, Wanted, destination,
    saved::{chosen, deleted, row},
};
use crate::{Actor, Ctx, Error, Keyhaven, connections, policy::Policy};
use std::sync::Arc;

/// Reading and writing of one run, ready.
pub(super) struct Ready {
    pub(super) source: AppSource,
    pub(super) plan: Plan,
}

/// Opens the destination and finds the way to the app. `Err` inside: what a person can put right.
pub(super) async fn ready(
    app: &Arc<Keyhaven>,
    ctx: &Ctx,
    row: &SyncRow,
) -> Result<Result<Ready, SyncError>, Error> {
    let on = connections::live_row(app, ctx, &row.connection).await?;
    let connector: Connector = match app.catalogue.get(&on.connector) {
        Some(connector) => connector.clone(),
        None => return Err(Error::ConnectorGone(on.connector)),
    };
    let whole = destination::open(app, ctx, row).await?;
    let to = match destination::on_this_machine(app.sync_folder.as_ref(), whole) {
        Ok(to) => to,
        Err(message) => {
            let remedy = "Edit the sync and give another destination.";
            return Ok(Err(SyncError::new(Failure::Destination, message, remedy)));
        }
    };
    let wanted = Wanted {
        to,
        streams: chosen(row)?,
        deleted: deleted(&row.deleted).unwrap_or_default(),
        sweep: Sweep::Due,
        share: row.share as f64 / 100.0,
    };
    let plan = wanted.plan(&connector, &on.id, &on.slug, ctx.clock.clone());
    let mut own = app.ctx(Actor::Sync(row.id.clone()));
    own.workspace.clone_from(&ctx.workspace);
    // Each run leaves its part of what is left; all runs of a day together leave it, too.
    let budget_share = u8::try_from(row.share).ok();
    own.policy = Arc::new(Policy { budget_share, ..Policy::default() });
    let source = AppSource::here(app.clone(), own, &on.id, connector);
    Ok(plan.map(|plan| Ready { source, plan }))
}

/// What the next run will take. It asks the app a few cheap questions.
pub async fn estimate_saved(app: &Arc<Keyhaven>, ctx: &Ctx, which: &str) -> Result<Estimate, Error> {
    ctx.may_change()?;
    let row = row(app, ctx, which).await?;
    let ready = ready(app, ctx, &row).await?.map_err(Error::Sync)?;
    keyhaven_sync::estimate(&ready.source, &ready.plan).await.map_err(Error::Sync)
}
