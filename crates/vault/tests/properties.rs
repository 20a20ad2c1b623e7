//! What the vault promises, for any input: it opens what it sealed, in its place, and nothing else.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what a test does not expect, fails it"
)]

use keyhaven_vault::{
    KeyError, MasterKey, OpenError, Place, Sealed, Secret, Token, TokenError, TokenKind, WorkspaceKey,
    WrappedKey,
};
use proptest::prelude::*;

const PLACE: Place<'static> = Place { workspace: "ws", connection: "cn_1", field: "api_key", version: 7 };

fn workspace_key() -> WorkspaceKey {
    MasterKey::generate().new_workspace_key("ws").unwrap().0
}

fn error(result: Result<Secret, OpenError>) -> OpenError {
    result.err().expect("it must not open")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_was_sealed_opens_in_its_place_only(
        text in any::<String>(),
        parts in proptest::array::uniform3("[a-z0-9_]{0,12}"),
        other in proptest::array::uniform3("[a-z0-9_]{0,12}"),
        versions in any::<(i64, i64)>(),
    ) {
        let key = workspace_key();
        let place = Place { workspace: &parts[0], connection: &parts[1], field: &parts[2], version: versions.0 };
        let sealed = key.seal(&place, &Secret::new(text.clone())).unwrap();
        let sealed = Sealed::from_bytes(sealed.as_bytes().to_vec()).unwrap();
        let opened = key.open(&place, &sealed).unwrap();
        prop_assert_eq!(opened.expose(), text.as_str());
        let moved = [
            Place { workspace: &other[0], ..place },
            Place { connection: &other[1], ..place },
            Place { field: &other[2], ..place },
            Place { version: versions.1, ..place },
            // Parts that shift over a border look alike only to a careless encoding.
            Place { workspace: &parts[1], connection: &parts[0], ..place },
        ];
        for wrong in moved.into_iter().filter(|wrong| *wrong != place) {
            prop_assert_eq!(error(key.open(&wrong, &sealed)), OpenError::Commitment);
        }
    }

    #[test]
    fn another_length_or_another_key_never_opens(text in "\\PC{0,80}", cut in 1usize..400, more in prop::collection::vec(any::<u8>(), 1..40)) {
        let key = workspace_key();
        let sealed = key.seal(&PLACE, &Secret::new(text)).unwrap();
        let bytes = sealed.as_bytes();
        let cut = cut.min(bytes.len());
        for changed in [bytes[..bytes.len() - cut].to_vec(), [bytes, &more].concat()] {
            prop_assert!(Sealed::from_bytes(changed).and_then(|sealed| key.open(&PLACE, &sealed)).is_err());
        }
        let other = workspace_key();
        prop_assert_eq!(error(other.open(&PLACE, &sealed)), OpenError::OtherKey { wanted: key.id(), given: other.id() });
    }

    #[test]
    fn any_bytes_and_texts_are_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), text in "(kh_|khm1_)?([0-9a-fé]{38,78}|\\PC*)") {
        let key = workspace_key();
        prop_assert!(Sealed::from_bytes(bytes.clone()).and_then(|sealed| key.open(&PLACE, &sealed)).is_err());
        prop_assert!(WrappedKey::from_bytes(bytes).and_then(|key| MasterKey::generate().unwrap_workspace_key("ws", &key)).is_err());
        prop_assert!(MasterKey::from_text(&text).is_err());
        prop_assert!(Token::parse(TokenKind::Access, &text).is_err());
    }
}

/// What a change of this byte looks like. Sealed bytes are a format version, a key id, and then blocks of
/// commitment ‖ nonce ‖ ciphertext ‖ tag.
fn noticed_as(byte: usize, blocks: &[usize]) -> &'static str {
    let mut start = 1 + 16;
    if byte < start {
        return if byte == 0 { "format" } else { "other key" };
    }
    for plain in blocks {
        if byte < start + 32 + 12 {
            return "commitment";
        }
        start += 32 + 12 + plain + 16;
        if byte < start {
            return "tampered";
        }
    }
    panic!("byte {byte} belongs to nothing");
}

fn word(error: OpenError) -> &'static str {
    match error {
        OpenError::Format => "format",
        OpenError::OtherKey { wanted, given } if wanted != given => "other key",
        OpenError::OtherKey { .. } => "the same key twice",
        OpenError::Commitment => "commitment",
        OpenError::Tampered => "tampered",
    }
}

#[test]
fn every_flipped_bit_is_noticed_for_what_it_is() {
    let master = MasterKey::generate();
    let (key, wrapped) = master.new_workspace_key("ws").unwrap();
    let sealed = key.seal(&PLACE, &Secret::new("0123456789abcdef".into())).unwrap();
    let flipped = |bytes: &[u8], bit: usize| {
        let mut bytes = bytes.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        bytes
    };
    for bit in 0..sealed.as_bytes().len() * 8 {
        let opened = Sealed::from_bytes(flipped(sealed.as_bytes(), bit))
            .and_then(|sealed| key.open(&PLACE, &sealed))
            .err()
            .map(word);
        assert_eq!(opened, Some(noticed_as(bit / 8, &[32, 16])), "bit {bit} of a sealed value");
    }
    for bit in 0..wrapped.as_bytes().len() * 8 {
        let opened = WrappedKey::from_bytes(flipped(wrapped.as_bytes(), bit))
            .and_then(|wrapped| master.unwrap_workspace_key("ws", &wrapped))
            .err()
            .map(word);
        assert_eq!(opened, Some(noticed_as(bit / 8, &[32])), "bit {bit} of a wrapped key");
    }
}

#[test]
fn a_forged_key_id_meets_the_commitment() {
    let (one, other) = (MasterKey::generate(), MasterKey::generate());
    let ((key, wrapped), (other_key, other_wrapped)) =
        (one.new_workspace_key("ws").unwrap(), other.new_workspace_key("ws").unwrap());
    let seal = |key: &WorkspaceKey| key.seal(&PLACE, &Secret::new("secret".into())).unwrap();
    let (sealed, other_sealed) = (seal(&key), seal(&other_key));
    let forged = |body: &[u8], id: &[u8]| [&id[..17], &body[17..]].concat();
    let sealed = Sealed::from_bytes(forged(sealed.as_bytes(), other_sealed.as_bytes())).unwrap();
    assert_eq!(error(other_key.open(&PLACE, &sealed)), OpenError::Commitment);
    let wrapped = WrappedKey::from_bytes(forged(wrapped.as_bytes(), other_wrapped.as_bytes())).unwrap();
    assert_eq!(other.unwrap_workspace_key("ws", &wrapped).err(), Some(OpenError::Commitment));
}

#[test]
fn another_length_is_no_wrapped_key() {
    let master = MasterKey::generate();
    let bytes = master.new_workspace_key("ws").unwrap().1.as_bytes().to_vec();
    for cut in 0..bytes.len() {
        assert_eq!(WrappedKey::from_bytes(bytes[..cut].to_vec()).err(), Some(OpenError::Format), "{cut}");
    }
    assert_eq!(WrappedKey::from_bytes([&bytes[..], &[0]].concat()).err(), Some(OpenError::Format));
}

#[test]
fn sealed_parts_of_two_values_cannot_be_mixed() {
    let key = workspace_key();
    let seal = |text: &str| key.seal(&PLACE, &Secret::new(text.into())).unwrap().as_bytes().to_vec();
    let (one, two) = (seal("the first secret"), seal("the other secret"));
    assert_ne!(one, two);
    for cut in 1..one.len() {
        let mixed = [&one[..cut], &two[cut..]].concat();
        if mixed != one && mixed != two {
            let opened = Sealed::from_bytes(mixed).and_then(|sealed| key.open(&PLACE, &sealed));
            assert!(opened.is_err(), "mixed at {cut}");
        }
    }
}

#[test]
fn a_master_key_survives_its_text_and_a_typing_error_does_not() {
    let master = MasterKey::generate();
    let (key, wrapped) = master.new_workspace_key("ws").unwrap();
    let text = master.to_text();
    let again = MasterKey::from_text(&format!("  {}\n", text.expose())).ok().unwrap();
    assert_eq!(again.unwrap_workspace_key("ws", &wrapped).ok().unwrap().id(), key.id());
    assert_eq!(again.unwrap_workspace_key("other", &wrapped).err(), Some(OpenError::Commitment));
    for (at, c) in text.expose().char_indices() {
        let mut typo = text.expose().to_owned();
        typo.replace_range(at..=at, if c == 'a' { "b" } else { "a" });
        let want = if at < "khm1_".len() { KeyError::Shape } else { KeyError::Checksum };
        assert_eq!(MasterKey::from_text(&typo).err(), Some(want), "character {at}");
        assert_eq!(MasterKey::from_text(&text.expose()[..at]).err(), Some(KeyError::Shape), "cut at {at}");
    }
    let loud = text.expose().to_uppercase().replace("KHM1_", "khm1_");
    assert_eq!(MasterKey::from_text(&loud).err(), Some(KeyError::Shape));
    assert!(matches!(
        MasterKey::generate().unwrap_workspace_key("ws", &wrapped).err(),
        Some(OpenError::OtherKey { wanted, .. }) if wanted == master.id()
    ));
}

#[test]
fn tokens_tell_their_kind_and_typing_errors() {
    for kind in [TokenKind::Access, TokenKind::Session, TokenKind::SignIn] {
        let token = Token::generate(kind);
        let again = Token::parse(kind, token.expose()).ok().unwrap();
        assert_eq!(token.hash(), again.hash());
        assert!(token.expose().starts_with(&token.hint()));
        let mut typo = token.expose().to_owned();
        let last = typo.pop().unwrap();
        typo.push(if last == '0' { '1' } else { '0' });
        assert_eq!(Token::parse(kind, &typo).err(), Some(TokenError::Checksum));
    }
    let session = Token::generate(TokenKind::Session);
    assert_eq!(Token::parse(TokenKind::Access, session.expose()).err(), Some(TokenError::Shape));
}

#[test]
fn fingerprints_are_keyed_and_separate_by_purpose() {
    let (one, other) = (workspace_key(), workspace_key());
    assert_eq!(one.fingerprint("a", b"x"), one.fingerprint("a", b"x"));
    assert_ne!(one.fingerprint("a", b"x"), one.fingerprint("b", b"x"));
    assert_ne!(one.fingerprint("a", b"x"), other.fingerprint("a", b"x"));
}
