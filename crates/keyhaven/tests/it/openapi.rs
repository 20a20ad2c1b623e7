//! The OpenAPI document against the program.

use serde_json::Value;

use crate::common::House;

/// The document describes exactly the routes that there are, and refers to nothing that is missing.
#[test]
fn the_openapi_document_fits() {
    let house = House::new();
    let text = String::from_utf8(house.run(&["openapi"], "").stdout).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let source = include_str!("../../src/api/mod.rs");
    let is_route = |word: &&str| {
        word.starts_with('/') && !word.contains(['*', '\n']) && !matches!(*word, "/api" | "/api/")
    };
    let routed: Vec<&str> = source.split('"').filter(is_route).collect();
    let mut described: Vec<&str> =
        document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    let mut all = routed.clone();
    all.sort_unstable();
    described.sort_unstable();
    assert_eq!(described, all);
    let mut rest = text.as_str();
    while let Some((_, after)) = rest.split_once("\"#/components/schemas/") {
        let name = after.split('"').next().unwrap();
        assert!(!document["components"]["schemas"][name].is_null(), "{name}");
        rest = after;
    }
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
    let refresh = "docs/openapi.json is old; refresh it with: cargo run -- openapi > docs/openapi.json";
    assert!(std::fs::read_to_string(kept).unwrap_or_default() == text, "{refresh}");
}
