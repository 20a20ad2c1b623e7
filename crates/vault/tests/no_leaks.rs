//! What holds a key cannot be printed or copied, whoever asks. Checked by the compiler: this file does not build
//! otherwise.

use std::fmt::{Debug, Display, LowerHex};

use keyhaven_vault::{MasterKey, Secret, Token, Unwrapped, WorkspaceKey};

/// If the type has the trait, two implementations of `Probe` fit and the compiler cannot choose.
macro_rules! never {
    ($($type:ty),+: $traits:tt) => { $(never!(@ $type: $traits);)+ };
    (@ $type:ty: [$($trait:path),+]) => { $(const _: fn() = || {
        trait Probe<Which> { fn probe() {} }
        struct HasIt;
        impl<T: ?Sized> Probe<()> for T {}
        impl<T: ?Sized + $trait> Probe<HasIt> for T {}
        <$type as Probe<_>>::probe();
    };)+ };
}

never!(Secret, MasterKey, WorkspaceKey, Unwrapped, Token: [Debug, Display, LowerHex, Clone, PartialEq, AsRef<str>, AsRef<[u8]>]);

#[test]
fn a_secret_knows_its_length_and_its_equal() {
    let mut roomy = String::with_capacity(100);
    roomy.push_str("sécret");
    let secret = Secret::new(roomy);
    assert_eq!((secret.expose(), secret.len(), secret.is_empty()), ("sécret", 7, false));
    assert!(Secret::new(String::new()).is_empty());
    assert!(secret.ct_eq(&Secret::new("sécret".into())));
    for other in ["", "sécre", "sécrets", "secret", "Sécret"] {
        assert!(!secret.ct_eq(&Secret::new(other.into())), "{other}");
    }
}
