//! One router from the faces, behind the same guards.

mod auth;
mod body;
mod connection;
mod forwarded;
mod guard;
mod listen;
mod plain;
mod pulse;
mod state;
mod tls;
mod worker;

use axum::{Router, middleware};

pub(crate) use auth::{Caller, SignedIn, session_cookie};
pub(crate) use body::AnyBody;
pub(crate) use forwarded::TrustedProxies;
pub(crate) use listen::serve;
pub(crate) use state::{AppState, Site};
pub(crate) use tls::{Tls, TlsError};
pub(crate) use worker::Service;

use crate::{api, web};

/// Everything that Keyhaven answers. The guards stand outside, so that they also see what no route matches.
pub(crate) fn router(state: AppState) -> Router {
    api::router()
        .merge(web::router())
        .fallback(web::not_found)
        .layer(middleware::from_fn_with_state(state.clone(), guard::cross_site))
        .layer(middleware::from_fn(guard::bound_body))
        .layer(middleware::from_fn(guard::headers))
        .layer(middleware::from_fn_with_state(state.clone(), guard::count))
        .with_state(state)
}
