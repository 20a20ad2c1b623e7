//! A sealed value as it is stored.

use std::fmt;

use crate::{KeyId, OpenError, crypto};

/// The format of the bytes: version ‖ key id ‖ wrapped data key ‖ encrypted value.
const VERSION: u8 = 1;
const HEAD: usize = 1 + KeyId::LEN;
const WRAPPED: usize = crypto::KEY_LEN + crypto::OVERHEAD;

/// A sealed value: safe to store, useless without the workspace's key.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// Reads bytes that were stored.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, OpenError> {
        let plausible = bytes.first() == Some(&VERSION) && bytes.len() >= HEAD + WRAPPED + crypto::OVERHEAD;
        if plausible { Ok(Self(bytes)) } else { Err(OpenError::Format) }
    }

    pub(crate) fn from_parts(key: KeyId, wrapped: &[u8], value: &[u8]) -> Self {
        Self([&[VERSION], &key.0[..], wrapped, value].concat())
    }

    /// The bytes to store.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The workspace key that sealed it.
    pub fn key_id(&self) -> KeyId {
        let mut id = [0; KeyId::LEN];
        id.copy_from_slice(&self.0[1..HEAD]);
        KeyId(id)
    }

    pub(crate) fn wrapped_key(&self) -> &[u8] {
        &self.0[HEAD..HEAD + WRAPPED]
    }

    pub(crate) fn value(&self) -> &[u8] {
        &self.0[HEAD + WRAPPED..]
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes by {})", self.0.len(), self.key_id())
    }
}
