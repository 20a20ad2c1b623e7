//! `/api/v1/audit`: who did what, when, and from where.

use axum::{Json, extract::State};
use keyhaven_core::audit;
use serde::{Deserialize, Serialize};

use super::{problem::Failure, request::Params, wire::time};
use crate::server::{AppState, Caller};

/// A page of the audit log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AuditPage {
    pub items: Vec<Entry>,
    pub next_cursor: Option<String>,
}

/// One record.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub id: String,
    pub at: String,
    pub actor: String,
    pub who: String,
    pub action: String,
    pub subject: String,
    pub what: String,
    pub connection: Option<String>,
    pub client: Option<String>,
}

impl From<audit::Page> for AuditPage {
    fn from(it: audit::Page) -> Self {
        let entry = |it: audit::Entry| Entry {
            what: it.sentence(),
            id: it.id,
            at: time(it.at),
            actor: it.actor,
            who: it.who,
            action: it.action,
            subject: it.subject,
            connection: it.connection,
            client: it.client,
        };
        Self { items: it.items.into_iter().map(entry).collect(), next_cursor: it.next }
    }
}

pub(super) async fn list(
    Caller(ctx): Caller,
    State(state): State<AppState>,
    mut params: Params,
) -> Result<Json<AuditPage>, Failure> {
    let query = audit::Query {
        subject: params.take("subject").unwrap_or_default(),
        actor: params.take("actor").unwrap_or_default(),
        limit: params.limit()?,
        cursor: params.cursor(),
    };
    params.finish()?;
    Ok(Json(audit::list(&state.app, &ctx, &query).await?.into()))
}
