//! How a call of this machine's command line reaches an app: with the data here, or through a server.

use std::sync::Arc;

use axum::http::{HeaderName, Response};
use keyhaven_core::{
    Ctx, Keyhaven,
    egress::Door,
    proxy::{self, Inbound, Places},
    remote::{Remote, RemoteError},
    usage,
};
use tokio::{
    sync::{Mutex, watch},
    task::JoinHandle,
};

use crate::{proxy::told, server::AnyBody};

/// The way.
pub(crate) enum Passage {
    /// This machine's data.
    Here(Box<Here>),
    /// A server. What stands where the app takes its credential is not sent there.
    There { remote: Box<Remote>, header: HeaderName, query: Vec<String> },
}

/// The data of this machine, in use.
pub(crate) struct Here {
    app: Arc<Keyhaven>,
    door: Door,
    ctx: Ctx,
    /// Writes the usage each second until its sender is gone.
    recorder: Mutex<Option<JoinHandle<()>>>,
    stop: watch::Sender<bool>,
}

impl Passage {
    /// By the data of this machine.
    pub(crate) fn here(app: Arc<Keyhaven>, ctx: Ctx) -> Self {
        let (stop, stopped) = watch::channel(false);
        let recorder = Mutex::new(Some(tokio::spawn(usage::run(app.clone(), stopped))));
        Self::Here(Box::new(Here { door: app.door(), app, ctx, recorder, stop }))
    }

    /// The app's answer, or Keyhaven's; a header says whose it is.
    pub(crate) async fn send(&self, call: Inbound<'_>) -> Result<Response<AnyBody>, RemoteError> {
        match self {
            Self::Here(here) => {
                let Here { app, door, ctx, .. } = &**here;
                Ok(told(proxy::at_hand(app, door, ctx, call).await, app.new_request_id()).into())
            }
            Self::There { remote, header, query } => {
                let answer = remote.pass(call, &Places { header, query }).await?;
                Ok(answer.map(AnyBody::Flow))
            }
        }
    }

    /// There are no more calls: what is not written yet is.
    pub(crate) async fn close(&self) {
        let Self::Here(here) = self else { return };
        here.app.finish_checks().await;
        let _ = here.stop.send(true);
        if let Some(recorder) = here.recorder.lock().await.take()
            && let Err(error) = recorder.await
        {
            tracing::error!(%error, "the usage of the last calls is lost");
        }
        here.app.close().await;
    }
}
