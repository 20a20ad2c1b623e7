//! Seals and opens secrets. Pure: no I/O, no async, no clock.
//!
//! Three layers of AES-256-GCM: the *master key* wraps a *workspace key*, that wraps a fresh *data key* for each
//! sealed value, and that encrypts the value. Each ciphertext names its key, is bound to its [`Place`], and carries a
//! commitment to the key that is checked before anything is decrypted.

mod crypto;
mod master;
mod place;
mod sealed;
mod secret;
mod token;
mod workspace;

pub use crypto::{OpenError, SealError};
pub use master::{KeyError, KeyId, MasterKey, WrappedKey};
pub use place::Place;
pub use sealed::Sealed;
pub use secret::Secret;
pub use token::{Token, TokenError, TokenHash, TokenKind};
pub use workspace::{Unwrapped, WorkspaceKey};
