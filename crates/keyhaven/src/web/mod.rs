//! The pages.

mod activity;
mod add;
pub(crate) mod assets;
mod charts;
mod connection;
mod docs;
mod edit;
mod finish;
mod form;
mod history;
mod list;
mod markdown;
mod meter;
mod page;
mod remove;
mod sign_in;
mod snippets;
mod syncs;
mod tokens;
mod usage;
mod view;

use axum::{
    Router, middleware,
    routing::{get, post},
};

pub(crate) use page::{not_found, refuse, refused};

use crate::server::AppState;

/// All pages.
pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/", get(list::page))
        .route("/connections/deleted", get(list::deleted))
        .route("/connections/new", get(add::catalogue))
        .route("/connections/new/{connector}", get(add::form).post(add::save))
        .route("/apps/{connector}/fields/{field}", post(form::check_one))
        .route("/connections/{which}", get(connection::page))
        .route("/connections/{which}/edit", get(edit::form).post(edit::save))
        .route("/connections/{which}/rename", get(edit::rename_form).post(edit::rename))
        .route("/connections/{which}/verify", post(connection::verify))
        .route("/connections/{which}/use-suggestion", post(connection::use_suggestion))
        .route("/connections/{which}/pending/{answer}", post(connection::answer))
        .route("/connections/{which}/delete", get(remove::ask).post(remove::delete))
        .route("/connections/{which}/restore", post(remove::restore))
        .route("/syncs", get(syncs::list))
        .route("/syncs/new", get(syncs::new_form).post(syncs::create))
        .route("/syncs/{which}", get(syncs::page))
        .route("/syncs/{which}/live", get(syncs::live))
        .route("/syncs/{which}/estimate", get(syncs::estimate))
        .route("/syncs/{which}/edit", get(syncs::edit_form).post(syncs::change))
        .route("/syncs/{which}/delete", get(syncs::ask).post(syncs::delete))
        .route("/syncs/{which}/{deed}", post(syncs::act))
        .route("/tokens", get(tokens::list))
        .route("/tokens/new", get(tokens::form).post(tokens::create))
        .route("/tokens/{which}/revoke", get(tokens::ask).post(tokens::revoke))
        .route("/activity", get(activity::page))
        .route("/docs/api", get(docs::page))
        .route("/sign-in", get(sign_in::redeem))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/assets/{hash}/{name}", get(assets::get))
        .route("/assets/connectors/{connector}/{file}", get(assets::connector))
        .layer(middleware::from_fn(finish::finish))
}
