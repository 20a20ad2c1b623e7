//! Who is asking? Handlers that take one of these answer nobody else.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{HeaderMap, header, request::Parts},
    response::Response,
};
use keyhaven_core::{Ctx, Error, sign_in, tokens};

use super::{AppState, Site};
use crate::{api, web};

/// The cookie that holds the session.
const SESSION_COOKIE: &str = "kh_session";

/// A person with a session: what pages take.
pub(crate) struct SignedIn(pub Ctx);

/// A program with an access token, or a person with a session: what the API takes.
pub(crate) struct Caller(pub Ctx);

impl FromRequestParts<AppState> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        match by_session(parts, state).await {
            Ok(ctx) => Ok(Self(ctx)),
            Err(error) => Err(web::refused(error)),
        }
    }
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let known = match bearer(&parts.headers) {
            Some(token) => tokens::authenticate(&state.app, token, client(parts)).await,
            None => by_session(parts, state).await,
        };
        known.map(Self).map_err(api::refused)
    }
}

async fn by_session(parts: &Parts, state: &AppState) -> Result<Ctx, Error> {
    let missing = Error::NotSignedIn("there is no session and no access token");
    let session = session_cookie(&parts.headers).ok_or(missing)?;
    sign_in::session(&state.app, session, client(parts)).await
}

/// Who calls, as far as that can be known.
fn client(parts: &Parts) -> Option<IpAddr> {
    parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip())
}

/// The token of `Authorization: Bearer …`. Other schemes are somebody else's, such as a proxy's in front: browsers
/// send those on their own.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The session in the request's cookies.
pub(crate) fn session_cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(SESSION_COOKIE)?.strip_prefix('='))
}

impl Site {
    /// `Set-Cookie` for a session; an empty one ends it.
    pub(crate) fn session_cookie(&self, session: &str) -> String {
        let lives = if session.is_empty() { 0 } else { sign_in::SESSION_LIVES / 1000 };
        let secure = if self.is_https() { "; Secure" } else { "" };
        format!("{SESSION_COOKIE}={session}; Path=/; HttpOnly; SameSite=Lax; Max-Age={lives}{secure}")
    }
}
