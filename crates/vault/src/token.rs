//! Bearer secrets of Keyhaven itself: access tokens, sessions, sign-in links. Only their hashes are stored.

use aws_lc_rs::digest::{SHA256, digest};
use zeroize::Zeroizing;

use crate::{Secret, crypto::random};

/// What a token opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// The API, for a program.
    Access,
    /// The pages, for a signed-in person.
    Session,
    /// A session, once.
    SignIn,
}

impl TokenKind {
    /// Different prefixes, so that none is taken for another, and leak scanners know what they found.
    fn prefix(self) -> &'static str {
        match self {
            Self::Access => "kh_",
            Self::Session => "khs_",
            Self::SignIn => "khl_",
        }
    }
}

/// Why a text is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It does not look like one of this kind.
    #[error("this is no token of this kind")]
    Shape,
    /// It looks like one, but a character is wrong.
    #[error("its checksum is wrong: a character was lost or changed on the way")]
    Checksum,
}

/// A bearer secret: prefix, 40 random hex digits, 8 hex digits of checksum.
pub struct Token {
    kind: TokenKind,
    text: Secret,
}

const BODY: usize = 40;
const CHECKSUM: usize = 8;

impl Token {
    /// Characters of an access token.
    pub const LENGTH: usize = "kh_".len() + BODY + CHECKSUM;

    /// A new random token.
    pub fn generate(kind: TokenKind) -> Self {
        let body = Zeroizing::new(hex(random::<{ BODY / 2 }>().as_slice()));
        Self { kind, text: with_checksum(&Zeroizing::new([kind.prefix(), &body].concat())) }
    }

    /// Reads a token and checks its checksum: a typing error costs no look into the database.
    pub fn parse(kind: TokenKind, text: &str) -> Result<Self, TokenError> {
        check(kind, text)?;
        Ok(Self { kind, text: Secret::new(text.to_owned()) })
    }

    /// What is stored of it. 160 random bits need no slow hash.
    pub fn hash(&self) -> TokenHash {
        hash(self.text.expose())
    }

    /// The text itself, for whoever shall hold it.
    pub fn expose(&self) -> &str {
        self.text.expose()
    }

    /// Its first characters, to tell it from others in a list.
    pub fn hint(&self) -> String {
        self.text.expose()[..self.kind.prefix().len() + 4].to_owned()
    }
}

/// The SHA-256 of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The hash of a token as somebody shows it, if it is one.
    pub fn of(kind: TokenKind, shown: &str) -> Result<Self, TokenError> {
        check(kind, shown)?;
        Ok(hash(shown))
    }

    /// Its 32 bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

fn hash(text: &str) -> TokenHash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    TokenHash(hash)
}

fn check(kind: TokenKind, text: &str) -> Result<(), TokenError> {
    let random = text.strip_prefix(kind.prefix()).ok_or(TokenError::Shape)?;
    let (random, sum) = random.split_at_checked(BODY).ok_or(TokenError::Shape)?;
    let is_hex = random.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
    if !is_hex || sum.len() != CHECKSUM {
        return Err(TokenError::Shape);
    }
    let before = &text[..text.len() - CHECKSUM];
    if sum.as_bytes() != checksum(before) { Err(TokenError::Checksum) } else { Ok(()) }
}

/// Over what stands before it.
pub(crate) fn checksum(before: &str) -> [u8; CHECKSUM] {
    let sum = digest(&SHA256, before.as_bytes());
    std::array::from_fn(|at| HEX[usize::from(sum.as_ref()[at / 2] >> (4 * (1 - at % 2)) & 15)])
}

/// The whole text.
pub(crate) fn with_checksum(before: &str) -> Secret {
    Secret::new([before, &String::from_iter(checksum(before).map(char::from))].concat())
}

const HEX: &[u8; 16] = b"0123456789abcdef";

pub(crate) fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(HEX[usize::from(digit)])).collect()
}

/// Exactly `N` bytes, in lower-case hex only: one text for each value.
pub(crate) fn from_hex<const N: usize>(text: &str) -> Option<Zeroizing<[u8; N]>> {
    let digit = |c: u8| match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let mut bytes = Zeroizing::new([0; N]);
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}
