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
    pub support: Option<Support>,
    pub signed_in: bool,
    pub here: &'static str,
}

impl Chrome {
    pub(super) fn new(state: &AppState, here: &'static str) -> Self {
        Self {
            overrides: state.app.egress_overrides(),
            support: state.app.support().map(Support::new),
            signed_in: true,
            here,
        }
    }
}

/// Whom to ask; with a link where it is an address.
#[derive(Clone, Debug)]
pub(super) struct Support {
    pub text: String,
    pub href: Option<String>,
}

impl Support {
    fn new(text: &str) -> Self {
        let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "@.-_+".contains(c));
        let href = match text.split_once('@') {
            Some((before, after)) if plain && !before.is_empty() && after.contains('.') => {
                Some(format!("mailto:{text}"))
            }
            _ if text.starts_with("https://") && !text.contains(char::is_whitespace) => Some(text.to_owned()),
            _ => None,
        };
        Self { text: text.to_owned(), href }
    }
}

/// Says above a page what was just done.
#[derive(Clone, Debug)]
pub(super) struct Note {
    pub kind: &'static str,
    pub text: String,
    /// The connection whose deletion can be undone.
    pub undo: Option<String>,
}

impl Note {
    pub(super) fn good(text: impl Into<String>) -> Self {
        Self { kind: "good", text: text.into(), undo: None }
    }

    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self { kind: "", text: text.into(), undo: None }
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

/// A page that says one thing.
#[derive(Template)]
#[template(path = "message.html")]
pub(super) struct Message<'a> {
    pub chrome: Chrome,
    pub title: &'a str,
    pub message: &'a str,
    /// What to type on the server.
    pub command: Option<&'a str>,
    /// Offers the way home.
    pub home: bool,
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
            Kind::Forbidden => (StatusCode::FORBIDDEN, "Not allowed"),
            Kind::NotFound => (StatusCode::NOT_FOUND, "Not found"),
            Kind::Conflict => (StatusCode::CONFLICT, "Not possible now"),
            Kind::Stale => (StatusCode::PRECONDITION_FAILED, "Changed meanwhile"),
            Kind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "The database does not answer"),
            Kind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong"),
        };
        if status.is_server_error() {
            tracing::error!(%error, code = error.code(), "a page failed");
        }
        let chrome = Chrome { signed_in: true, ..Chrome::default() };
        show_with(status, &Message { chrome, title, message: &in_words(&error), command: None, home: true })
    }
}

/// What happened, and what to do about it.
pub(super) fn in_words(error: &Error) -> String {
    format!("{}. {}", capital(error.message().trim_end_matches('.')), error.remedy())
}

/// The same text with a capital at its beginning.
pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}", letters.as_str())
}

/// Nobody we know.
pub(crate) fn refused(error: Error) -> Response {
    let Error::NotSignedIn(_) = error else { return Failure(error).into_response() };
    let page = Message {
        chrome: Chrome::default(),
        title: "Please sign in",
        message: "Keyhaven opens with a one-time sign-in link. Whoever runs it makes one on the server with:",
        command: Some("keyhaven sign-in-link"),
        home: false,
    };
    show_with(StatusCode::UNAUTHORIZED, &page)
}

/// What the guards refuse before a handler sees it.
pub(crate) fn refuse(status: StatusCode, message: &'static str) -> Response {
    let title = match status {
        StatusCode::NOT_FOUND => "Not found",
        StatusCode::METHOD_NOT_ALLOWED => "Not that way",
        StatusCode::PAYLOAD_TOO_LARGE => "Too large",
        StatusCode::REQUEST_TIMEOUT => "Too slow",
        _ => "That did not work",
    };
    show_with(status, &Message { chrome: Chrome::default(), title, message, command: None, home: true })
}

/// No such page; nobody but who is signed in learns even that.
pub(crate) async fn not_found(_: SignedIn) -> Response {
    let chrome = Chrome { signed_in: true, ..Chrome::default() };
    let message = "There is no page at this address. It may have been renamed or deleted.";
    show_with(
        StatusCode::NOT_FOUND,
        &Message { chrome, title: "Not found", message, command: None, home: true },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_support_contact_is_a_link_only_where_it_is_an_address() {
        let table = [
            ("help@acme.example", Some("mailto:help@acme.example")),
            ("https://acme.example/help", Some("https://acme.example/help")),
            ("Ada, room 5", None),
            ("javascript:alert(1)", None),
            ("a@b.example?bcc=c@d.example", None),
        ];
        for (text, href) in table {
            assert_eq!(Support::new(text).href.as_deref(), href, "{text}");
        }
    }

    #[test]
    fn an_error_is_told_in_sentences_with_a_remedy() {
        let text = in_words(&Error::NothingToDo("this connection is deleted; restore it first"));
        assert!(text.starts_with("This connection is deleted; restore it first. Load it again"), "{text}");
    }
}
