//! What can go wrong in a use case, told once for every face.

use keyhaven_connectors::{Account, FieldError};
use keyhaven_store::StoreError;

use crate::policy::Denied;

/// A use case that did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such app in the catalogue.
    #[error("there is no app “{0}” in the catalogue")]
    UnknownConnector(String),
    /// The app was in the catalogue when the connection was saved, and is not any more.
    #[error("the connector “{0}” of this connection is not installed any more")]
    ConnectorGone(String),
    /// No such connection, token or link in this workspace.
    #[error("there is no {what} “{name}”")]
    NotFound {
        /// What was looked for: `connection`, `access token`.
        what: &'static str,
        /// How it was called.
        name: String,
    },
    /// Some fields cannot be accepted; each is named.
    #[error("{}", fields_in_words(.0))]
    Invalid(Vec<FieldError>),
    /// Somebody else changed it meanwhile.
    #[error("the connection was changed meanwhile; it is at revision {current} now")]
    Stale {
        /// The revision it has now.
        current: i64,
    },
    /// The new key works, but for another company than the saved one.
    #[error("the new key belongs to {}, the saved one to {}", .0.new.line(), .0.saved.line())]
    OtherAccount(Box<OtherAccount>),
    /// There is nothing to accept, use or restore.
    #[error("{0}")]
    NothingToDo(&'static str),
    /// Several of this kind have the name that was given, which is no id.
    #[error("several {0} have this name; give the id")]
    SeveralNamed(&'static str),
    /// The same idempotency key came with another request.
    #[error("this Idempotency-Key was used for another request before")]
    IdempotencyMismatch,
    /// The first request with this idempotency key is still at work.
    #[error("the first request with this Idempotency-Key is still being worked on")]
    IdempotencyInProgress,
    /// A link or token that does not open anything (any more).
    #[error("{0}")]
    NotSignedIn(&'static str),
    /// It looks like an access token, and its checksum tells that it is none.
    #[error("this looks like a Keyhaven access token, but a character was lost or changed on the way")]
    MistypedToken,
    /// A sync cannot be estimated or run as it is.
    #[error("{}. {}", .0.message.trim_end_matches('.'), .0.remedy)]
    Sync(keyhaven_sync::SyncError),
    /// The access token is known, and has a limit that stands against it.
    #[error(transparent)]
    NotAllowed(#[from] Denied),
    /// A saved secret does not open: the row was moved or damaged, or the key is another one.
    #[error("a saved secret of this connection does not open")]
    Sealed(#[from] keyhaven_vault::OpenError),
    /// A secret cannot be sealed.
    #[error("the secret cannot be sealed")]
    Sealing(#[from] keyhaven_vault::SealError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A row holds what this version cannot read.
    #[error("a row in the database cannot be read")]
    Row(#[from] serde_json::Error),
}

/// Whose key was given in place of whose.
#[derive(Debug)]
pub struct OtherAccount {
    /// The account of the saved key.
    pub saved: Account,
    /// The account of the new key.
    pub new: Account,
}

/// What kind of trouble it is; each face has one answer for each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The caller must change the request.
    BadInput,
    /// The caller is not signed in.
    Unauthorised,
    /// The caller is known and may not do it.
    Forbidden,
    /// It is not there.
    NotFound,
    /// It does not fit what is there now.
    Conflict,
    /// The caller worked on an old version.
    Stale,
    /// The database is busy or away; later it may work.
    Unavailable,
    /// Keyhaven is at fault.
    Internal,
}

impl Error {
    /// The kind.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Invalid(_) | Self::UnknownConnector(_) | Self::IdempotencyMismatch => Kind::BadInput,
            Self::NotSignedIn(_) | Self::MistypedToken => Kind::Unauthorised,
            Self::NotAllowed(_) => Kind::Forbidden,
            Self::NotFound { .. } => Kind::NotFound,
            Self::Stale { .. } => Kind::Stale,
            Self::OtherAccount(_)
            | Self::NothingToDo(_)
            | Self::SeveralNamed(_)
            | Self::Sync(_)
            | Self::ConnectorGone(_)
            | Self::IdempotencyInProgress => Kind::Conflict,
            Self::Store(StoreError::Unavailable(_)) => Kind::Unavailable,
            Self::Sealed(_) | Self::Sealing(_) | Self::Store(_) | Self::Row(_) => Kind::Internal,
        }
    }

    /// A word for programs; stays the same when the sentences are polished.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownConnector(_) => "unknown_connector",
            Self::ConnectorGone(_) => "connector_gone",
            Self::NotFound { .. } => "not_found",
            Self::Invalid(_) => "invalid_fields",
            Self::Stale { .. } => "stale",
            Self::OtherAccount(_) => "other_account",
            Self::NothingToDo(_) | Self::SeveralNamed(_) => "nothing_to_do",
            Self::Sync(_) => "sync_stopped",
            Self::IdempotencyMismatch => "idempotency_mismatch",
            Self::IdempotencyInProgress => "idempotency_in_progress",
            Self::NotSignedIn(_) | Self::MistypedToken => "not_signed_in",
            Self::NotAllowed(_) => "not_allowed",
            Self::Sealed(_) => "secret_does_not_open",
            Self::Store(StoreError::Unavailable(_)) => "database_unavailable",
            Self::Sealing(_) | Self::Store(_) | Self::Row(_) => "internal",
        }
    }

    /// What happened, for whoever asked. Of a fault of our own they learn that it is one; the log tells the rest.
    pub fn message(&self) -> String {
        match (self, self.kind()) {
            (Self::Sealed(_), _) => self.to_string(),
            (_, Kind::Unavailable) => "the database does not answer".into(),
            (_, Kind::Internal) => "something went wrong inside Keyhaven".into(),
            _ => self.to_string(),
        }
    }

    /// What the person or program can do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::UnknownConnector(_) => "Choose one of the apps of the catalogue.",
            Self::ConnectorGone(_) => {
                "Start Keyhaven with the folder of connectors that holds it, or delete the connection."
            }
            Self::NotFound { .. } => "Look at the list: it may have been renamed or deleted.",
            Self::Invalid(_) => "Correct the fields named and send it again.",
            Self::Stale { .. } => "Load it again and repeat your change.",
            Self::OtherAccount(_) => {
                "Confirm that the connection shall belong to the other company, or give a key of the same company."
            }
            Self::NothingToDo(_) => "Load it again to see how it stands.",
            Self::SeveralNamed(_) => "The list shows the id of each.",
            Self::IdempotencyMismatch => "Use a new Idempotency-Key for a new request.",
            Self::IdempotencyInProgress => "Wait some seconds and send the same request again.",
            Self::Sync(_) => "Then try it again.",
            Self::NotAllowed(denied) => denied.remedy(),
            Self::MistypedToken => "Copy it again.",
            Self::NotSignedIn(_) => "Make a new sign-in link with: keyhaven sign-in-link",
            Self::Sealed(_) => {
                "Enter the key again; if it happens with every connection, the database and the master key do not belong together."
            }
            Self::Store(StoreError::Unavailable(_)) => {
                "Try again shortly; if it stays, look at the database."
            }
            Self::Sealing(_) | Self::Store(_) | Self::Row(_) => {
                "Try again; if it stays, the server's log tells more."
            }
        }
    }

    pub(crate) fn no_connection(name: &str) -> Self {
        Self::NotFound { what: "connection", name: name.into() }
    }

    pub(crate) fn field(field: &str, message: &str) -> Self {
        Self::Invalid(vec![FieldError { field: field.into(), message: message.into() }])
    }
}

fn fields_in_words(errors: &[FieldError]) -> String {
    errors.iter().map(|error| format!("{}: {}", error.field, error.message)).collect::<Vec<_>>().join("; ")
}
