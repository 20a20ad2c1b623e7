//! How a call of this machine's command line reaches an app: with the data here, or through a server.

use std::sync::Arc;

use axum::http::{HeaderName, Response};
use keyhaven_core::{
    Ctx, Keyhaven,
    egress::Door,
    proxy::{self, Inbound, Places},
    remote::{Remote, RemoteError},
};

use crate::{proxy::told, server::AnyBody};

/// The way.
pub(crate) enum Passage {
    /// This machine's data.
    Here { app: Arc<Keyhaven>, door: Box<Door>, ctx: Ctx },
    /// A server. What stands where the app takes its credential is not sent there.
    There { remote: Box<Remote>, header: HeaderName, query: Vec<String> },
}

impl Passage {
    /// The app's answer, or Keyhaven's; a header says whose it is.
    pub(crate) async fn send(&self, call: Inbound) -> Result<Response<AnyBody>, RemoteError> {
        match self {
            Self::Here { app, door, ctx } => {
                Ok(told(proxy::at_hand(app, door, ctx, call).await, &app.new_request_id()))
            }
            Self::There { remote, header, query } => {
                let answer = remote.pass(call, &Places { header, query }).await?;
                Ok(answer.map(AnyBody::Flow))
            }
        }
    }

    /// There are no more calls.
    pub(crate) async fn close(&self) {
        if let Self::Here { app, .. } = self {
            app.close().await;
        }
    }
}
