//! What goes wrong at the command line: what, why, and what to do.

use keyhaven_core::{Error, Kind, remote::RemoteError};

use crate::{
    api::wire::{Problem, WrongField},
    config::SetUpError,
    serve::ServeError,
};

/// A command that did not do what was asked.
#[derive(Debug)]
pub(super) struct Failure {
    pub message: String,
    pub remedy: String,
    pub code: String,
    pub fields: Vec<WrongField>,
    /// 1 fault, 2 bad usage.
    pub exit: u8,
}

/// Whoever reads what is printed has read enough.
const READER_GONE: &str = "reader_gone";

impl Failure {
    pub(super) fn is_reader_gone(&self) -> bool {
        self.code == READER_GONE
    }

    pub(super) fn new(exit: u8, code: &str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { message: message.into(), remedy: remedy.into(), code: code.into(), fields: Vec::new(), exit }
    }

    pub(super) fn usage(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(2, "bad_usage", message, remedy)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let exit = if error.kind() == Kind::BadInput { 2 } else { 1 };
        let mut failure = Self::new(exit, error.code(), error.to_string(), error.remedy());
        if let Error::Invalid(fields) = error {
            failure.message = "some values cannot be accepted".into();
            failure.fields =
                fields.into_iter().map(|it| WrongField { field: it.field, message: it.message }).collect();
        }
        failure
    }
}

impl From<Problem> for Failure {
    fn from(it: Problem) -> Self {
        let exit = if matches!(it.status, 400 | 413 | 415 | 422) { 2 } else { 1 };
        let message = if it.errors.is_empty() { it.detail } else { "some values cannot be accepted".into() };
        Self { message, remedy: it.remedy, code: it.code, fields: it.errors, exit }
    }
}

impl From<RemoteError> for Failure {
    fn from(error: RemoteError) -> Self {
        let (exit, remedy) = match &error {
            RemoteError::Address(_) | RemoteError::Credentials | RemoteError::Token => {
                (2, "Look at --server and KEYHAVEN_TOKEN.")
            }
            RemoteError::NotKeyhaven { .. } => {
                (1, "Check the address; behind a reverse proxy, look at the proxy's log, too.")
            }
            _ => (1, "Check the address and whether the server runs."),
        };
        Self::new(exit, "remote", error.to_string(), remedy)
    }
}

impl From<SetUpError> for Failure {
    fn from(error: SetUpError) -> Self {
        match error {
            SetUpError::Config(error) => {
                Self::new(2, "settings", error.to_string(), "See keyhaven serve --help.")
            }
            SetUpError::Open(error) => Self::new(1, "not_opened", error.to_string(), ""),
        }
    }
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        match error {
            ServeError::SetUp(error) => error.into(),
            ServeError::Log(_) | ServeError::PublicUrl(_) => {
                Self::usage(error.to_string(), "See keyhaven serve --help.")
            }
            ServeError::Link(error) => error.into(),
            other => Self::new(1, "not_served", other.to_string(), ""),
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        let code = if error.kind() == std::io::ErrorKind::BrokenPipe { READER_GONE } else { "io" };
        Self::new(1, code, error.to_string(), "")
    }
}
