//! Whatever is taken for a domain is one label of pipedrive.com, and stays what it is.
#![no_main]

use std::sync::OnceLock;

use keyhaven_connectors::{Catalogue, Field};
use libfuzzer_sys::fuzz_target;

fn domain() -> &'static Field {
    static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
    let catalogue = CATALOGUE.get_or_init(|| Catalogue::built_in().expect("the connectors are in order"));
    let pipedrive = catalogue.get("pipedrive").expect("it is built in");
    pipedrive.fields.iter().find(|field| field.id == "domain").expect("it has a domain")
}

fuzz_target!(|text: &str| {
    let Ok(right) = domain().normalise(text) else { return };
    if right.is_empty() {
        return;
    }
    assert!(right.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-'), "{right}");
    assert!(right.len() <= 63 && !right.starts_with('-') && !right.ends_with('-'));
    assert_eq!(domain().normalise(&right).as_deref(), Ok(right.as_str()), "it is right already");
});
