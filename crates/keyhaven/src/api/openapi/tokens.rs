//! Access tokens, as JSON Schema.

use serde_json::{Value, json};

use super::schemas::{closed, maybe_time};

/// What a token may be limited to.
fn limits() -> Value {
    let texts = |about: &str, example: &str| json!({ "type": "array", "items": { "type": "string" }, "maxItems": 200, "description": about, "examples": [[example]] });
    let number = |most: u32, about: &str| json!({ "type": ["integer", "null"], "minimum": 1, "maximum": most, "description": about });
    json!({
        "connections": {
            "type": ["array", "null"], "items": { "type": "string" }, "minItems": 1, "maxItems": 200,
            "description": "Ids of the connections that it may use; null: all"
        },
        "read_only": { "type": "boolean", "description": "It changes nothing; through the proxy only GET, HEAD and OPTIONS" },
        "methods": texts("Methods through the proxy, GET for HEAD, too; empty: all", "GET"),
        "paths": texts("Paths through the proxy: * is one segment, ** at the end is the rest; empty: all", "/api/v2/deals/*"),
        "per_minute": number(u32::MAX, "Calls a minute through the proxy"),
        "per_day": number(u32::MAX, "Calls a day through the proxy"),
        "budget_share": number(100, "Percent of the app's daily budget"),
        "networks": texts("Networks that it is accepted from; empty: all", "10.0.0.0/8")
    })
}

fn merged(mut into: Value, more: Value) -> Value {
    if let (Some(into), Value::Object(more)) = (into.as_object_mut(), more) {
        into.extend(more);
    }
    into
}

/// A token as it is shown.
pub(super) fn shown() -> Value {
    let text = json!({ "type": "string" });
    let time = json!({ "type": "string", "format": "date-time" });
    let about = json!({
        "id": text, "name": text, "hint": text, "state": { "enum": ["active", "expired", "revoked"] }, "created_at": time,
        "expires_at": maybe_time(), "last_used_at": maybe_time(), "revoked_at": maybe_time() });
    let mut shown = closed(merged(about, limits()));
    shown["properties"]["token"] =
        json!({ "type": "string", "description": "Its text, only in the answer that made it" });
    shown
}

/// What to make.
pub(super) fn new(name: Value) -> Value {
    let mut properties = merged(json!({ "name": name }), limits());
    properties["connections"]["description"] =
        "Ids or slugs of the connections that it may use; null: all".into();
    for list in ["methods", "paths", "networks"] {
        properties[list]["type"] = json!(["array", "null"]);
        properties[list]["minItems"] = 1.into();
        // What is shown of one without a limit is empty; what is sent is not.
        let about =
            properties[list]["description"].as_str().unwrap_or_default().replace("empty: all", "null: all");
        properties[list]["description"] = about.into();
    }
    properties["expires_at"] = json!({
        "type": ["string", "null"], "examples": ["30d", "2030-12-31", "2030-12-31T18:00:00Z"],
        "description": "When it ends by itself: a span such as 30d or 12h, a day (UTC) or an RFC 3339 time; null: never" });
    json!({ "type": "object", "additionalProperties": false, "required": ["name"], "properties": properties })
}
