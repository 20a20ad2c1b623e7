//! Looks whether everything that Keyhaven needs is in order.

use serde::Serialize;

use crate::{Ctx, Error, Keyhaven, connections};

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// In order.
    Ok,
    /// Works, but should not stay so.
    Warning,
    /// Does not work.
    Fault,
}

/// One check.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub what: &'static str,
    /// How it came out.
    pub level: Level,
    /// What was seen.
    pub message: String,
    /// What to do about it, where there is something.
    pub remedy: Option<String>,
}

impl Finding {
    /// In order.
    pub fn ok(what: &'static str, message: impl Into<String>) -> Self {
        Self { what, level: Level::Ok, message: message.into(), remedy: None }
    }

    /// Something to act on.
    pub fn trouble(
        what: &'static str,
        level: Level,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { what, level, message: message.into(), remedy: Some(remedy.into()) }
    }
}

/// Every check that can be made on an open Keyhaven.
pub async fn examine(app: &Keyhaven, ctx: &Ctx) -> Result<Vec<Finding>, Error> {
    Ok(vec![
        database(app).await,
        master_key(app),
        connectors(app),
        overrides(app),
        attention(app, ctx).await?,
    ])
}

async fn database(app: &Keyhaven) -> Finding {
    match app.ready().await {
        Ok(()) => Finding::ok("database", format!("{} answers", app.store.kind())),
        Err(error) => {
            let remedy = "Look whether the database runs and the disk has room.";
            Finding::trouble("database", Level::Fault, error.to_string(), remedy)
        }
    }
}

/// That Keyhaven is open proves that the key fits; what is left is who can read it.
fn master_key(app: &Keyhaven) -> Finding {
    match &app.exposed_master_key {
        None => Finding::ok(
            "master key",
            "opens this database; keep a copy of it apart from the database's backup",
        ),
        Some(path) => Finding::trouble(
            "master key",
            Level::Warning,
            format!("other users of this machine can read {}", path.display()),
            format!("Run: chmod 600 {}", path.display()),
        ),
    }
}

fn connectors(app: &Keyhaven) -> Finding {
    let names: Vec<_> = app.catalogue.iter().map(|connector| connector.id.as_str()).collect();
    Finding::ok("connectors", format!("{} loaded: {}", names.len(), names.join(", ")))
}

fn overrides(app: &Keyhaven) -> Finding {
    let overrides = app.egress_overrides();
    if overrides.is_empty() {
        return Finding::ok("egress", "only public addresses of the connectors' hosts are reached");
    }
    let remedy = "Unset KEYHAVEN_EGRESS_OVERRIDE unless this is a development machine.";
    Finding::trouble(
        "egress",
        Level::Warning,
        format!("development override: {}", overrides.join(", ")),
        remedy,
    )
}

async fn attention(app: &Keyhaven, ctx: &Ctx) -> Result<Finding, Error> {
    let counts = connections::counts(app, ctx).await?;
    if counts.attention == 0 {
        return Ok(Finding::ok("connections", format!("{} saved, none needs attention", counts.all)));
    }
    let message = format!("{} of {} need attention", counts.attention, counts.all);
    let remedy = "See them with: keyhaven connections list --status attention";
    Ok(Finding::trouble("connections", Level::Warning, message, remedy))
}
