//! What every handler can reach.

use std::sync::Arc;

use keyhaven_core::Keyhaven;

/// Handed to each handler.
#[derive(Clone)]
pub(crate) struct AppState {
    pub app: Arc<Keyhaven>,
    pub site: Arc<Site>,
}

/// How this server is reached.
pub(crate) struct Site {
    /// Without a slash at the end, such as `https://keyhaven.example.com`.
    pub public_url: String,
}

impl Site {
    /// People reach it by https: cookies are kept to that.
    pub(crate) fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }

    /// The page that turns a one-time link into a session.
    pub(crate) fn sign_in_url(&self, token: &str) -> String {
        format!("{}/sign-in?token={token}", self.public_url)
    }
}
