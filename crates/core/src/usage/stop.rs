//! When an app refuses a call as one too many for the day, nothing goes out until it takes calls again.

use std::time::Duration;

use keyhaven_store::Stop;

use crate::{Ctx, Error, Keyhaven, ctx::Millis};

/// How long nothing goes out where the app does not say for how long.
pub(crate) const STOP: Duration = Duration::from_secs(3600);

/// Writes it down, for all servers.
pub(crate) async fn stop(app: &Keyhaven, ctx: &Ctx, connection: &str, stop: Stop) -> Result<(), Error> {
    let mut tx = app.store.begin(&ctx.scope()).await?;
    tx.stop(connection, stop).await?;
    Ok(tx.commit().await?)
}

/// What follows from a refusal then, for so long.
pub(crate) fn stop_from(at: Millis, wait: Duration) -> Stop {
    Stop { until: at + wait.as_millis() as Millis, told_at: at }
}

/// Until when nothing goes out, if that is so.
pub(crate) async fn stopped_until(
    app: &Keyhaven,
    ctx: &Ctx,
    connection: &str,
) -> Result<Option<Millis>, Error> {
    let stop = app.store.read(&ctx.scope()).stop(connection).await?;
    Ok(stop.map(|stop| stop.until).filter(|until| *until > ctx.now()))
}
