//! The key that everything else hangs on.

use std::fmt;

use zeroize::Zeroizing;

use crate::{
    OpenError, SealError, Secret, WorkspaceKey,
    crypto::{Cipher, KEY_LEN, KeyBytes, OVERHEAD, derive, random},
    token::{checksum, from_hex, hex, with_checksum},
    workspace::key_bytes,
};

const PREFIX: &str = "khm1_";
const CHECKSUM: usize = 8;
/// Format of a wrapped key: version ‖ master key's id ‖ wrapped key.
const VERSION: u8 = 1;
const HEAD: usize = 1 + KeyId::LEN;

/// Names a key without telling anything about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyId(pub(crate) [u8; KeyId::LEN]);

impl KeyId {
    pub(crate) const LEN: usize = 16;

    pub(crate) fn of(key: &KeyBytes, info: &[u8]) -> Self {
        Self(*derive(key.as_slice(), &[], info))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

/// Why a text is no master key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It does not look like one.
    #[error("a master key begins with khm1_ and has 77 characters")]
    Shape,
    /// It looks like one, but a character is wrong.
    #[error("its checksum is wrong: a character was lost or changed on the way")]
    Checksum,
}

/// Wraps the workspaces' keys. Whoever has it and the database has the secrets.
pub struct MasterKey {
    id: KeyId,
    key: KeyBytes,
}

impl MasterKey {
    /// A new random key.
    pub fn generate() -> Self {
        Self::from_bytes(random())
    }

    fn from_bytes(key: KeyBytes) -> Self {
        Self { id: KeyId::of(&key, b"keyhaven/master-key-id/1"), key }
    }

    /// Reads `khm1_…`; white space around it is dropped.
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        let body = text.strip_prefix(PREFIX).ok_or(KeyError::Shape)?;
        let (key, sum) = body.split_at_checked(2 * KEY_LEN).ok_or(KeyError::Shape)?;
        let bytes = from_hex(key).ok_or(KeyError::Shape)?;
        if sum.len() != CHECKSUM {
            return Err(KeyError::Shape);
        }
        if sum.as_bytes() != checksum(&text[..text.len() - CHECKSUM]) {
            return Err(KeyError::Checksum);
        }
        Ok(Self::from_bytes(bytes))
    }

    /// The text to keep in a file: `khm1_`, 64 hex digits, and a checksum.
    pub fn to_text(&self) -> Secret {
        let key = Zeroizing::new(hex(self.key.as_slice()));
        with_checksum(&Zeroizing::new([PREFIX, &key].concat()))
    }

    /// Names it.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// Makes a workspace's key, and what of it is stored.
    pub fn new_workspace_key(&self, workspace: &str) -> Result<(WorkspaceKey, WrappedKey), SealError> {
        let key = WorkspaceKey::from_bytes(random())?;
        let wrapped = Cipher::new(&self.key)?.encrypt(&aad(workspace), key.bytes().as_slice())?;
        Ok((key, WrappedKey([&[VERSION], &self.id.0[..], &wrapped].concat())))
    }

    /// Opens a workspace's key.
    pub fn unwrap_workspace_key(
        &self,
        workspace: &str,
        wrapped: &WrappedKey,
    ) -> Result<WorkspaceKey, OpenError> {
        if wrapped.master_key_id() != self.id {
            return Err(OpenError::OtherKey { wanted: wrapped.master_key_id(), given: self.id });
        }
        let cipher = Cipher::new(&self.key).map_err(|_| OpenError::Tampered)?;
        let plain = cipher.decrypt(&aad(workspace), &wrapped.0[HEAD..])?;
        WorkspaceKey::from_bytes(key_bytes(&plain)?).map_err(|_| OpenError::Tampered)
    }
}

fn aad(workspace: &str) -> Vec<u8> {
    [b"keyhaven/workspace-key/1/", workspace.as_bytes()].concat()
}

/// A workspace's key as it is stored: wrapped by the master key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey(Vec<u8>);

impl WrappedKey {
    /// Reads bytes that were stored.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, OpenError> {
        let plausible = bytes.first() == Some(&VERSION) && bytes.len() == HEAD + KEY_LEN + OVERHEAD;
        if plausible { Ok(Self(bytes)) } else { Err(OpenError::Format) }
    }

    /// The bytes to store.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The master key that wrapped it.
    pub fn master_key_id(&self) -> KeyId {
        let mut id = [0; KeyId::LEN];
        id.copy_from_slice(&self.0[1..HEAD]);
        KeyId(id)
    }
}
