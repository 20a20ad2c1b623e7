//! Whatever passes reads one way only, and stays below where it began.
#![no_main]

use keyhaven_core::proxy::path;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(reads) = path::read(text) else { return };
    assert!(text.starts_with('/') && text.is_ascii());
    let segments: Vec<&str> = reads.split('/').collect();
    assert!(!segments.iter().any(|segment| matches!(*segment, "." | "..")));
    assert!(!reads.contains("//") && !reads.contains('\\') && !reads.chars().any(char::is_control));
    assert_eq!(reads.matches('/').count(), text.matches('/').count(), "no slash was hidden");
    // A second reader that decodes once more finds no other way up.
    let lower = reads.to_ascii_lowercase();
    assert!(!["%2e", "%2f", "%5c"].iter().any(|twice| lower.contains(twice)));
    let target: Result<http::Uri, _> = format!("https://acme.test{text}").parse();
    if let Ok(uri) = target {
        assert_eq!((uri.host(), uri.path()), (Some("acme.test"), text));
    }
});
