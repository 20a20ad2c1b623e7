//! The shapes that go over the wire, as JSON Schema.

use keyhaven_core::{Catalogue, Connector, Reason};
use serde_json::{Map, Value, json};

use super::{reference, syncs, tokens};
use crate::api::codes::CODES;

pub(super) fn all(catalogue: &Catalogue) -> Value {
    let text = json!({ "type": "string" });
    let maybe = json!({ "type": ["string", "null"] });
    let count = json!({ "type": "integer", "minimum": 0 });
    let time = json!({ "type": "string", "format": "date-time" });
    let list = |of: Value| json!({ "type": "array", "items": of });
    let mut all = json!({
        "Text": text,
        "Object": { "type": "object" },
        "Health": closed(json!({ "status": { "const": "ok" } })),
        "Account": account(),
        "Check": closed(check()),
        "Connection": connection(),
        "ConnectionPage": closed(json!({
            "items": list(reference("Connection")), "next_cursor": maybe, "previous_cursor": maybe })),
        "NewConnection": { "oneOf": catalogue.iter().map(new_connection).collect::<Vec<_>>() },
        "ConnectionChange": { "type": "object", "additionalProperties": false, "properties": {
            "name": name(), "fields": plain_fields(), "accept_other_account": { "type": "boolean", "default": false } } },
        "ConnectorList": closed(json!({ "items": list(reference("Connector")) })),
        "Connector": closed(json!({
            "id": text, "name": text, "summary": text, "category": text, "icon_url": text,
            "fields": list(closed(json!({
                "id": text, "label": text, "kind": { "enum": ["secret", "text", "url"] }, "help": text, "example": text,
                "suffix": maybe, "required": { "type": "boolean" }, "secret": { "type": "boolean" } }))),
            "guide": list(closed(json!({ "title": text, "body": text }))),
            "use": closed(json!({
                "env": maybe, "query": list(text.clone()),
                "pages": list(closed(json!({
                    "path": text, "param": text, "next": text, "more": maybe, "items": text }))) })) })),
        "History": closed(json!({
            "days": list(closed(json!({
                "date": { "type": "string", "format": "date" }, "valid": count, "invalid": count, "unverified": count,
                "worst": { "enum": ["valid", "invalid", "unverified", null] } }))),
            "recent": list(closed(json!({
                "at": time, "reason": { "enum": reasons() }, "detail": maybe, "milliseconds": count,
                "trigger": { "enum": ["save", "asked", "background", "refused", "answered"] } }))) })),
        "AccessToken": tokens::shown(),
        "AccessTokenList": closed(json!({ "items": list(reference("AccessToken")) })),
        "NewAccessToken": tokens::new(name()),
        "Usage": closed(json!({
            "window": { "enum": ["hour", "day", "week"] }, "bucket_seconds": count, "buckets": list(reference("Span")),
            "total": reference("Span"), "budget": closed(json!({
                "limit": maybe_count(), "limit_is": { "enum": ["told", "assumed", null] }, "used": count,
                "counted_by": { "enum": ["app", "keyhaven"] }, "elsewhere": count,
                "by_token": list(closed(json!({
                    "token": text, "name": maybe, "calls": count, "errors": count, "refused": count, "cost": count }))),
                "runs_out_at": maybe_time(), "stopped_until": maybe_time(), "resets_at": time })) })),
        "Span": closed(json!({
            "start": time, "calls": count, "errors": count, "refused": count, "cost": count,
            "p50_milliseconds": maybe_count(), "p95_milliseconds": maybe_count() })),
        "CallPage": closed(json!({
            "items": list(closed(json!({
                "id": text, "at": time, "token": text, "token_name": maybe, "method": text, "path": text,
                "status": { "type": "integer" }, "milliseconds": count, "waited_milliseconds": count, "source": { "enum": ["app", "keyhaven"] } }))),
            "next_cursor": maybe })),
        "AuditPage": closed(json!({
            "items": list(closed(json!({
                "id": text, "at": time, "actor": text, "who": text, "action": text, "subject": text, "what": text,
                "connection": maybe, "client": maybe }))),
            "next_cursor": maybe })),
        "Problem": problem()
    });
    for (name, schema) in syncs::schemas() {
        all[name] = schema;
    }
    all
}

/// An object that holds exactly these members.
pub(super) fn closed(properties: Value) -> Value {
    let required: Vec<&String> = properties.as_object().into_iter().flat_map(Map::keys).collect();
    json!({ "type": "object", "required": required, "properties": properties })
}

pub(super) fn maybe_time() -> Value {
    json!({ "type": ["string", "null"], "format": "date-time" })
}

fn maybe_count() -> Value {
    json!({ "type": ["integer", "null"], "minimum": 0 })
}

fn reasons() -> Vec<&'static str> {
    Reason::ALL.into_iter().map(Reason::as_str).collect()
}

fn plain_fields() -> Value {
    json!({ "type": "object", "additionalProperties": { "type": "string" } })
}

fn name() -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": keyhaven_core::MAX_NAME })
}

fn account() -> Value {
    let maybe = json!({ "type": ["string", "null"] });
    closed(json!({
        "user": maybe, "email": maybe, "company": maybe, "company_id": maybe, "domain": maybe,
        "admin": { "type": ["boolean", "null"] } }))
}

fn check() -> Value {
    let text = json!({ "type": "string" });
    let reason: Vec<Value> = reasons().into_iter().map(Value::from).chain([Value::Null]).collect();
    let suggestion = closed(json!({ "field": text, "value": text }));
    json!({
        "reason": { "enum": reason }, "detail": { "type": ["string", "null"] }, "title": text, "message": text,
        "remedy": text, "suggestion": { "anyOf": [suggestion, { "type": "null" }] }, "retry_at": maybe_time(),
        "checked_at": maybe_time() })
}

fn connection() -> Value {
    let text = json!({ "type": "string" });
    let time = json!({ "type": "string", "format": "date-time" });
    let or_null = |of: &str| json!({ "anyOf": [reference(of), { "type": "null" }] });
    let mut properties = json!({
        "id": text, "slug": text, "name": text, "connector": text, "app": text, "fields": plain_fields(),
        "hosts": { "type": "array", "items": text }, "header": { "type": ["string", "null"] }, "status": { "enum": ["valid", "invalid", "unverified"] }, "account": or_null("Account"),
        "failing_since": maybe_time(), "verified_at": maybe_time(), "last_check": or_null("Check"), "next_check_at": maybe_time(), "created_at": time,
        "updated_at": time, "revision": { "type": "integer" }, "deleted_at": maybe_time(), "purge_at": maybe_time() });
    if let (Some(all), Value::Object(outcome)) = (properties.as_object_mut(), check()) {
        all.extend(outcome);
    }
    closed(properties)
}

fn problem() -> Value {
    let text = json!({ "type": "string" });
    let words: Vec<_> = CODES.iter().map(|code| code.word).collect();
    let wrong = closed(json!({ "field": text, "message": text }));
    let accounts = closed(json!({ "saved": reference("Account"), "new": reference("Account") }));
    let mut problem = closed(json!({
        "type": { "type": "string", "format": "uri-reference" }, "title": text, "status": { "type": "integer" },
        "detail": text, "code": { "enum": words }, "remedy": text }));
    problem["properties"]["errors"] = json!({ "type": "array", "items": wrong });
    problem["properties"]["accounts"] = accounts;
    problem["properties"]["request_id"] = text;
    problem
}

/// One app's form as a schema.
fn new_connection(it: &Connector) -> Value {
    let mut fields = Map::new();
    for field in &it.fields {
        let mut schema = json!({ "type": "string", "title": field.label, "description": field.help, "examples": [field.example] });
        if field.required {
            schema["minLength"] = json!(1);
        }
        if field.is_secret() {
            schema["writeOnly"] = json!(true);
        }
        fields.insert(field.id.clone(), schema);
    }
    let required: Vec<_> = it.fields.iter().filter(|field| field.required).map(|field| &field.id).collect();
    let mut name = name();
    name["description"] = json!(it.name_field.help);
    name["examples"] = json!([it.name_field.example]);
    json!({
        "title": it.name, "type": "object", "additionalProperties": false, "required": ["connector", "name", "fields"],
        "properties": {
            "connector": { "const": it.id },
            "name": name,
            "fields": { "type": "object", "additionalProperties": false, "required": required, "properties": fields }
        }
    })
}
