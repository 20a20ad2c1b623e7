//! Errors as problem documents (RFC 9457).

use axum::{
    Json,
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use keyhaven_core::{Error, Kind};

use super::{
    codes::CODES,
    wire::{Accounts, Problem, WrongField},
};

/// Who sends hundreds of wrong fields learns enough from the first.
const MAX_ERRORS: usize = 20;

/// What handlers fail with.
pub(crate) struct Failure(Box<Problem>);

impl Failure {
    pub(crate) fn new(status: StatusCode, code: &str, detail: &str, remedy: &str) -> Self {
        debug_assert!(
            CODES.iter().any(|known| known.word == code && known.status == status.as_u16()),
            "{code}"
        );
        Self(Box::new(Problem {
            kind: format!("/docs/api#{code}"),
            title: status.canonical_reason().unwrap_or("Error").into(),
            status: status.as_u16(),
            detail: detail.into(),
            code: code.into(),
            remedy: remedy.into(),
            errors: Vec::new(),
            accounts: None,
            request_id: None,
        }))
    }

    /// One member or parameter of the request.
    pub(super) fn field(field: &str, message: impl Into<String>) -> Self {
        Self::fields(vec![WrongField { field: field.into(), message: message.into() }])
    }

    pub(super) fn fields(mut errors: Vec<WrongField>) -> Self {
        errors.truncate(MAX_ERRORS);
        let all: Vec<_> = errors.iter().map(|error| format!("{}: {}", error.field, error.message)).collect();
        let mut it = Self::new(
            StatusCode::BAD_REQUEST,
            "invalid_fields",
            &all.join(" "),
            "Correct the fields named and send it again.",
        );
        it.0.errors = errors;
        it
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let status = match (&error, error.kind()) {
            (Error::IdempotencyMismatch, _) => StatusCode::UNPROCESSABLE_ENTITY,
            (_, Kind::BadInput) => StatusCode::BAD_REQUEST,
            (_, Kind::Unauthorised) => StatusCode::UNAUTHORIZED,
            (_, Kind::Forbidden) => StatusCode::FORBIDDEN,
            (_, Kind::NotFound) => StatusCode::NOT_FOUND,
            (_, Kind::Conflict) => StatusCode::CONFLICT,
            (_, Kind::Stale) => StatusCode::PRECONDITION_FAILED,
            (_, Kind::Unavailable) => StatusCode::SERVICE_UNAVAILABLE,
            (_, Kind::Internal) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        if status.is_server_error() {
            tracing::error!(%error, code = error.code(), "a request failed");
        }
        let mut it = Self::new(status, error.code(), &sentence(&error.message()), error.remedy());
        match error {
            Error::Invalid(fields) => {
                let wrong =
                    |it: keyhaven_core::FieldError| WrongField { field: it.field, message: it.message };
                return Self::fields(fields.into_iter().map(wrong).collect());
            }
            Error::UnknownConnector(_) => {
                // What stands where a connector belongs may be a key.
                let message = "There is no such app in the catalogue.";
                it.0.detail = format!("connector: {message}");
                it.0.errors = vec![WrongField { field: "connector".into(), message: message.into() }];
            }
            Error::OtherAccount(other) => {
                it.0.accounts = Some(Accounts { saved: other.saved, new: other.new })
            }
            _ => {}
        }
        it
    }
}

/// A name that a caller made up, fit to be repeated.
pub(super) fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(40).collect()
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    let end = if text.ends_with(['.', '?', '!']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(&self.0)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"Keyhaven\""));
        }
        if status == StatusCode::SERVICE_UNAVAILABLE || self.0.code == "idempotency_in_progress" {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response.extensions_mut().insert(*self.0);
        response
    }
}

/// Writes the request's id into a problem, so that who reports it can name the lines of the log.
pub(crate) fn name_request(mut response: Response, id: &str) -> Response {
    if let Some(mut problem) = response.extensions_mut().remove::<Problem>() {
        problem.request_id = Some(id.into());
        if let Ok(bytes) = serde_json::to_vec(&problem) {
            response.headers_mut().remove(header::CONTENT_LENGTH);
            *response.body_mut() = Body::from(bytes);
        }
    }
    response
}

/// An error that another face found.
pub(crate) fn problem(status: StatusCode, code: &str, detail: &str, remedy: &str) -> Failure {
    Failure::new(status, code, &sentence(detail), remedy)
}

/// Nobody we know.
pub(crate) fn refused(error: Error) -> Response {
    match error {
        Error::NotSignedIn(why) => Failure::new(
            StatusCode::UNAUTHORIZED,
            "not_signed_in",
            &sentence(why),
            "Send “Authorization: Bearer kh_…”. Make an access token with: keyhaven token create --name NAME",
        ),
        other => other.into(),
    }
    .into_response()
}

/// What the guards refuse before a handler sees it.
pub(crate) fn refuse(status: StatusCode, message: &'static str) -> Response {
    let code = match status {
        StatusCode::PAYLOAD_TOO_LARGE => "too_large",
        StatusCode::REQUEST_TIMEOUT => "too_slow",
        StatusCode::FORBIDDEN => "cross_site",
        StatusCode::NOT_FOUND => "not_found",
        StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
        _ => "bad_request",
    };
    Failure::new(status, code, message, "The API is described at /docs/api.").into_response()
}
