//! Saved syncs on the data of this machine and on a server.

use std::sync::Arc;

use http::Method;
use keyhaven_core::{
    Ctx, Error, Keyhaven,
    syncs::{self, Estimate, SyncInput},
};
use serde_json::{Map, Value, json};

use crate::{
    api::wire::{Sync, SyncRunPage},
    cli::{
        backend::{Target, call, encode, read},
        failure::Failure,
    },
};

const PATH: &str = "/api/v1/syncs";

/// What can be done to a sync by a word.
#[derive(Clone, Copy)]
pub(super) enum Deed {
    Run,
    Cancel,
    Pause,
    Resume,
}

impl Deed {
    fn word(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Cancel => "cancel",
            Self::Pause => "pause",
            Self::Resume => "resume",
        }
    }

    async fn here(self, app: &Keyhaven, ctx: &Ctx, which: &str) -> Result<syncs::Sync, Error> {
        match self {
            Self::Run => syncs::run_now(app, ctx, which).await,
            Self::Cancel => syncs::cancel(app, ctx, which).await,
            Self::Pause => syncs::pause(app, ctx, which).await,
            Self::Resume => syncs::resume(app, ctx, which).await,
        }
    }
}

impl Target {
    pub(in crate::cli) async fn syncs(&self, connection: &str) -> Result<Vec<Sync>, Failure> {
        match self {
            Self::Local(app, ctx) => {
                let all = syncs::list(app, ctx, connection).await?;
                Ok(all.into_iter().map(|it| Sync::new(it, ctx.now())).collect())
            }
            Self::Remote(remote) => {
                let query = if connection.is_empty() {
                    String::new()
                } else {
                    format!("?connection={}", encode(connection))
                };
                let mut answer: Value = call(remote, Method::GET, &format!("{PATH}{query}"), None).await?;
                read(answer["items"].take(), remote)
            }
        }
    }

    pub(super) async fn sync(&self, which: &str) -> Result<Sync, Failure> {
        match self {
            Self::Local(app, ctx) => Ok(Sync::new(syncs::get(app, ctx, which).await?, ctx.now())),
            Self::Remote(remote) => call(remote, Method::GET, &at(which, ""), None).await,
        }
    }

    pub(super) async fn add_sync(
        &self,
        connection: &str,
        input: SyncInput,
        paused: bool,
    ) -> Result<Sync, Failure> {
        match self {
            Self::Local(app, ctx) => {
                let made = syncs::create(app, ctx, connection, input, paused).await?;
                Ok(Sync::new(made, ctx.now()))
            }
            Self::Remote(remote) => {
                let mut body = body(&input);
                body.insert("connection".into(), connection.into());
                body.insert("paused".into(), paused.into());
                call(remote, Method::POST, PATH, Some(body.into())).await
            }
        }
    }

    pub(super) async fn edit_sync(&self, which: &str, input: SyncInput) -> Result<Sync, Failure> {
        match self {
            Self::Local(app, ctx) => Ok(Sync::new(syncs::change(app, ctx, which, input).await?, ctx.now())),
            Self::Remote(remote) => {
                call(remote, Method::PATCH, &at(which, ""), Some(body(&input).into())).await
            }
        }
    }

    pub(super) async fn do_to_sync(&self, which: &str, deed: Deed) -> Result<Sync, Failure> {
        match self {
            Self::Local(app, ctx) => Ok(Sync::new(deed.here(app, ctx, which).await?, ctx.now())),
            Self::Remote(remote) => {
                call(remote, Method::POST, &at(which, &format!("/{}", deed.word())), None).await
            }
        }
    }

    pub(super) async fn estimate_sync(&self, which: &str) -> Result<Estimate, Failure> {
        match self {
            Self::Local(app, ctx) => Ok(syncs::estimate_saved(app, ctx, which).await?),
            Self::Remote(remote) => call(remote, Method::POST, &at(which, "/estimate"), None).await,
        }
    }

    pub(super) async fn sync_runs(&self, which: &str, limit: u32) -> Result<SyncRunPage, Failure> {
        match self {
            Self::Local(app, ctx) => Ok(syncs::runs(app, ctx, which, limit, None).await?.into()),
            Self::Remote(remote) => {
                call(remote, Method::GET, &at(which, &format!("/runs?limit={limit}")), None).await
            }
        }
    }

    pub(super) async fn remove_sync(&self, which: &str) -> Result<(), Failure> {
        match self {
            Self::Local(app, ctx) => Ok(syncs::delete(app, ctx, which).await?),
            Self::Remote(remote) => {
                call::<Value>(remote, Method::DELETE, &at(which, ""), None).await.map(drop)
            }
        }
    }

    /// This machine's data, where the work is there.
    pub(super) fn here(&self) -> Option<(Arc<Keyhaven>, Ctx)> {
        match self {
            Self::Local(app, ctx) => Some((app.clone(), ctx.clone())),
            Self::Remote(_) => None,
        }
    }
}

fn at(which: &str, more: &str) -> String {
    format!("{PATH}/{}{more}", encode(which))
}

/// What the API takes.
fn body(it: &SyncInput) -> Map<String, Value> {
    let share = it.share.as_ref().and_then(|share| share.parse::<u64>().ok());
    let members = [
        ("name", it.name.as_ref().map(|it| json!(it))),
        ("destination", it.destination.as_ref().map(|it| json!(it.expose()))),
        ("streams", it.streams.as_ref().map(|it| json!(it))),
        ("deleted", it.deleted.as_ref().map(|it| json!(it))),
        ("share", share.map(|it| json!(it))),
        ("schedule", it.schedule.as_ref().map(|it| json!(it))),
        ("time_zone", it.time_zone.as_ref().map(|it| json!(it))),
    ];
    members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}
