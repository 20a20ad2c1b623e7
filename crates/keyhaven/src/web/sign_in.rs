//! The one-time link, and the end of a session.

use std::{collections::BTreeMap, net::SocketAddr};

use axum::{
    Extension,
    extract::{ConnectInfo, Query, State},
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use keyhaven_core::{Error, sign_in};

use super::page::{Chrome, Failure, Message, go, show_with};
use crate::server::{AppState, SignedIn, session_cookie};

/// Turns the link into a session. A look ahead (`HEAD`) does not use it up.
pub(super) async fn redeem(
    State(state): State<AppState>,
    method: Method,
    client: Option<Extension<ConnectInfo<SocketAddr>>>,
    Query(params): Query<BTreeMap<String, String>>,
) -> Response {
    let Some(token) = params.get("token").filter(|_| method == Method::GET) else {
        return super::refused(Error::NotSignedIn("there is no token in this link"));
    };
    let client = client.map(|Extension(ConnectInfo(address))| address.ip());
    match sign_in::redeem(&state.app, token, client).await {
        Ok(session) => {
            let cookie = state.site.session_cookie(session.expose());
            ([(header::SET_COOKIE, cookie)], go("/")).into_response()
        }
        Err(Error::NotSignedIn(_)) => {
            let message = "A sign-in link works once and for a day. This one was used before, is too old, or is incomplete. Whoever runs Keyhaven makes a new one on the server with:";
            let page = Message {
                chrome: Chrome::default(),
                title: "This link does not work any more",
                message,
                command: Some("keyhaven sign-in-link"),
                home: false,
            };
            show_with(StatusCode::UNAUTHORIZED, &page)
        }
        Err(error) => Failure::from(error).into_response(),
    }
}

pub(super) async fn sign_out(
    SignedIn(ctx): SignedIn,
    State(state): State<AppState>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    sign_in::sign_out(&state.app, &ctx, session_cookie(&headers).unwrap_or_default()).await?;
    let page = Message {
        chrome: Chrome::default(),
        title: "Signed out",
        message: "This browser is signed out. To come back, ask for a new sign-in link:",
        command: Some("keyhaven sign-in-link"),
        home: false,
    };
    Ok(([(header::SET_COOKIE, state.site.session_cookie(""))], show_with(StatusCode::OK, &page))
        .into_response())
}
