//! What the vault promises, for any input: it opens what it sealed, in its place, and nothing else.

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
    fn any_bytes_and_texts_are_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), text in any::<String>()) {
        let key = workspace_key();
        prop_assert!(Sealed::from_bytes(bytes.clone()).and_then(|sealed| key.open(&PLACE, &sealed)).is_err());
        prop_assert!(WrappedKey::from_bytes(bytes).and_then(|key| MasterKey::generate().unwrap_workspace_key("ws", &key)).is_err());
        prop_assert!(MasterKey::from_text(&text).is_err());
        prop_assert!(Token::parse(TokenKind::Access, &text).is_err());
    }
}

#[test]
fn every_flipped_bit_is_noticed() {
    let master = MasterKey::generate();
    let (key, wrapped) = master.new_workspace_key("ws").unwrap();
    let sealed = key.seal(&PLACE, &Secret::new("0123456789abcdef".into())).unwrap();
    for bit in 0..sealed.as_bytes().len() * 8 {
        let mut bytes = sealed.as_bytes().to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let opened = Sealed::from_bytes(bytes).and_then(|sealed| key.open(&PLACE, &sealed));
        assert!(opened.is_err(), "bit {bit} of a sealed value");
    }
    for bit in 0..wrapped.as_bytes().len() * 8 {
        let mut bytes = wrapped.as_bytes().to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let opened =
            WrappedKey::from_bytes(bytes).and_then(|wrapped| master.unwrap_workspace_key("ws", &wrapped));
        assert!(opened.is_err(), "bit {bit} of a wrapped key");
    }
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
    let typo = text.expose().replace(['a', '1'], "b");
    assert_eq!(
        MasterKey::from_text(&typo).err().map(|error| matches!(error, KeyError::Checksum | KeyError::Shape)),
        Some(true)
    );
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
