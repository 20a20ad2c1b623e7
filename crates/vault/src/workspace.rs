//! The key of one workspace.

use std::mem;

use crate::{
    KeyId, OpenError, Place, SealError, Sealed, Secret,
    crypto::{Cipher, KeyBytes, Ready, derive, mac, random},
};
use zeroize::{Zeroize, Zeroizing};

/// Seals and opens the secrets of one workspace.
pub struct WorkspaceKey {
    id: KeyId,
    key: KeyBytes,
    cipher: Cipher,
}

impl WorkspaceKey {
    pub(crate) fn from_bytes(key: KeyBytes) -> Result<Self, SealError> {
        Ok(Self { id: KeyId::of(&key, b"keyhaven/workspace-key-id/1"), cipher: Cipher::new(&key)?, key })
    }

    pub(crate) fn bytes(&self) -> &KeyBytes {
        &self.key
    }

    /// Names the key without telling anything about it.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// Seals a secret for one place, under a data key of its own.
    pub fn seal(&self, place: &Place<'_>, secret: &Secret) -> Result<Sealed, SealError> {
        let (data_key, aad) = (random(), place.aad());
        let wrapped = self.cipher.encrypt(&aad, data_key.as_slice())?;
        let value = Cipher::new(&data_key)?.encrypt(&aad, secret.expose().as_bytes())?;
        Ok(Sealed::from_parts(self.id, &wrapped, &value))
    }

    /// Opens what was sealed for this place.
    pub fn open(&self, place: &Place<'_>, sealed: &Sealed) -> Result<Secret, OpenError> {
        self.unwrap(place, sealed)?.open()
    }

    /// Unwraps only the key of what was sealed for this place, so that it can be opened many times at little cost.
    pub fn unwrap(&self, place: &Place<'_>, sealed: &Sealed) -> Result<Unwrapped, OpenError> {
        if sealed.key_id() != self.id {
            return Err(OpenError::OtherKey { wanted: sealed.key_id(), given: self.id });
        }
        let aad = place.aad();
        let data_key = key_bytes(&self.cipher.decrypt(&aad, sealed.wrapped_key())?)?;
        let data_key = Cipher::new(&data_key).map_err(|_| OpenError::Tampered)?;
        Ok(Unwrapped(data_key.ready(aad, sealed.value())?))
    }

    /// A keyed hash: tells whether bytes are the same as before without keeping them.
    pub fn fingerprint(&self, purpose: &str, bytes: &[u8]) -> [u8; 32] {
        let info = [b"keyhaven/fingerprint/1/", purpose.as_bytes()].concat();
        mac(&derive(self.key.as_slice(), &[], &info), bytes)
    }
}

/// A secret that is still encrypted, beside the unwrapped key that opens it and nothing else.
pub struct Unwrapped(Ready);

impl Unwrapped {
    /// Opens it.
    pub fn open(&self) -> Result<Secret, OpenError> {
        let mut plain = self.0.decrypt()?;
        match String::from_utf8(mem::take(&mut *plain)) {
            Ok(text) => Ok(Secret::new(text)),
            Err(bytes) => {
                bytes.into_bytes().zeroize();
                Err(OpenError::Tampered)
            }
        }
    }
}

pub(crate) fn key_bytes(plain: &[u8]) -> Result<KeyBytes, OpenError> {
    plain.try_into().map(Zeroizing::new).map_err(|_| OpenError::Tampered)
}
