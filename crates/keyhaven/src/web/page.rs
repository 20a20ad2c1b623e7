//! What every page shares, and pages for when something is wrong.

use askama::Template;
use axum::{
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use keyhaven_core::{Error, Kind};

use crate::server::{AppState, SignedIn};

/// The frame around a page.
#[derive(Clone, Debug, Default)]
pub(super) struct Chrome {
    pub overrides: Vec<String>,
    pub support: Option<String>,
    pub signed_in: bool,
    pub here: &'static str,
}

impl Chrome {
    pub(super) fn new(state: &AppState, here: &'static str) -> Self {
        Self {
            overrides: state.app.egress_overrides(),
            support: state.app.support().map(str::to_owned),
            signed_in: true,
            here,
        }
    }
}

/// A page that is ready.
pub(super) fn show(page: &impl Template) -> Response {
    show_with(StatusCode::OK, page)
}

pub(super) fn show_with(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page cannot be rendered");
            (StatusCode::INTERNAL_SERVER_ERROR, "This page cannot be shown; the server's log tells more.")
                .into_response()
        }
    }
}

/// On to another page, with GET.
pub(super) fn go(to: &str) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response()
}

#[derive(Template)]
#[template(path = "message.html")]
pub(super) struct Message<'a> {
    pub chrome: Chrome,
    pub title: &'a str,
    pub message: &'a str,
    pub command: Option<&'a str>,
}

/// What pages fail with.
pub(super) struct Failure(Error);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let error = self.0;
        let (status, title) = match error.kind() {
            Kind::BadInput => (StatusCode::BAD_REQUEST, "That did not work"),
            Kind::Unauthorised => return refused(error),
            Kind::NotFound => (StatusCode::NOT_FOUND, "Not found"),
            Kind::Conflict => (StatusCode::CONFLICT, "Not possible now"),
            Kind::Stale => (StatusCode::PRECONDITION_FAILED, "Changed meanwhile"),
            Kind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "The database does not answer"),
            Kind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong"),
        };
        if status.is_server_error() {
            tracing::error!(%error, code = error.code(), "a page failed");
        }
        let message = format!("{}. {}", capital(&error.to_string()), error.remedy());
        let chrome = Chrome { signed_in: true, ..Chrome::default() };
        show_with(status, &Message { chrome, title, message: &message, command: None })
    }
}

pub(super) fn capital(text: &str) -> String {
    let mut letters = text.trim_end_matches('.').chars();
    letters
        .next()
        .map(|first| first.to_uppercase().collect::<String>() + letters.as_str())
        .unwrap_or_default()
}

/// Nobody we know.
pub(crate) fn refused(error: Error) -> Response {
    let Error::NotSignedIn(_) = error else { return Failure(error).into_response() };
    let message =
        "Keyhaven is opened with a one-time sign-in link. Whoever runs it makes one on the server with:";
    let page = Message {
        chrome: Chrome::default(),
        title: "Please sign in",
        message,
        command: Some("keyhaven sign-in-link"),
    };
    show_with(StatusCode::UNAUTHORIZED, &page)
}

/// What the guards refuse before a handler sees it.
pub(crate) fn refuse(status: StatusCode, message: &'static str) -> Response {
    let page = Message { chrome: Chrome::default(), title: "That did not work", message, command: None };
    show_with(status, &page)
}

/// No such page; nobody but who is signed in learns even that.
pub(crate) async fn not_found(_: SignedIn) -> Response {
    let chrome = Chrome { signed_in: true, ..Chrome::default() };
    let message = "There is no page at this address. It may have been renamed or deleted.";
    show_with(StatusCode::NOT_FOUND, &Message { chrome, title: "Not found", message, command: None })
}
