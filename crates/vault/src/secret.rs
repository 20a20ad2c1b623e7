//! A secret text that cannot be printed.

use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A secret text, such as an API key. It has neither `Debug`, `Display`, `Clone` nor `Serialize`, and its memory
/// is zeroed when it is dropped.
///
/// ```compile_fail
/// let secret = keyhaven_vault::Secret::new("key".into());
/// println!("{secret:?}");
/// ```
/// ```compile_fail
/// let secret = keyhaven_vault::Secret::new("key".into());
/// println!("{secret}");
/// ```
/// ```compile_fail
/// let secret = keyhaven_vault::Secret::new("key".into());
/// let copy = secret.clone();
/// ```
pub struct Secret(SecretString);

impl Secret {
    /// Takes over a text; the memory that it had is zeroed.
    pub fn new(text: String) -> Self {
        if text.capacity() == text.len() {
            return Self(SecretString::from(text));
        }
        // Copied: to cut off a String's spare room may move it, and leave the old bytes where they were.
        let text = Zeroizing::new(text);
        Self(SecretString::from(Box::<str>::from(text.as_str())))
    }

    /// The text itself: for the request that carries it, and for nothing else.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Has it no characters?
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }

    /// Its length in bytes.
    pub fn len(&self) -> usize {
        self.expose().len()
    }

    /// Are both the same? Takes as long for a near miss as for a far one.
    pub fn ct_eq(&self, other: &Self) -> bool {
        self.expose().as_bytes().ct_eq(other.expose().as_bytes()).into()
    }
}
