//! The OpenAPI 3.1 document. Paths and answers stand here; what a connector's fields are comes from the catalogue.

use axum::{Json, extract::State};
use keyhaven_core::{Catalogue, Reason};
use serde_json::{Map, Value, json};

use crate::server::{AppState, Caller};

pub(super) async fn get(_: Caller, State(state): State<AppState>) -> Json<Value> {
    Json(document(state.app.catalogue()))
}

/// Method, path, summary, description, good answer (status and schema), and what can go wrong.
struct Operation(&'static str, &'static str, &'static str, &'static str, u16, &'static str, &'static [u16]);

const OPERATIONS: &[Operation] = &[
    Operation(
        "get",
        "/api/v1/connectors",
        "List the apps",
        "All apps that can be connected, with their fields and guides.",
        200,
        "ConnectorList",
        &[401],
    ),
    Operation(
        "get",
        "/api/v1/connectors/{id}",
        "Show an app",
        "One app, with its fields and guide.",
        200,
        "Connector",
        &[401, 404],
    ),
    Operation(
        "get",
        "/api/v1/connections",
        "List connections",
        "A page of connections in the order of their names.",
        200,
        "ConnectionPage",
        &[400, 401],
    ),
    Operation(
        "post",
        "/api/v1/connections",
        "Create a connection",
        "Stores the credential sealed and verifies it. A credential that fails is stored, too: look at status and reason.",
        201,
        "Connection",
        &[400, 401, 409, 413, 415, 422],
    ),
    Operation(
        "get",
        "/api/v1/connections/{id}",
        "Show a connection",
        "By id or slug. Secrets never come back.",
        200,
        "Connection",
        &[401, 404],
    ),
    Operation(
        "patch",
        "/api/v1/connections/{id}",
        "Change a connection",
        "A new name never verifies; a new value always does. A secret that is absent or empty stays as saved. A key of another company is refused with 409 unless accept_other_account is true.",
        200,
        "Connection",
        &[400, 401, 404, 409, 412, 413, 415],
    ),
    Operation(
        "delete",
        "/api/v1/connections/{id}",
        "Delete a connection",
        "Into the trash for 30 days, or destroyed at once with destroy=true.",
        204,
        "",
        &[400, 401, 404],
    ),
    Operation(
        "post",
        "/api/v1/connections/{id}/verify",
        "Verify now",
        "At most two requests to the app, and ten seconds.",
        200,
        "Connection",
        &[401, 404, 409],
    ),
    Operation(
        "post",
        "/api/v1/connections/{id}/restore",
        "Restore a deleted connection",
        "Possible for 30 days.",
        200,
        "Connection",
        &[401, 404, 409],
    ),
    Operation(
        "get",
        "/api/v1/connections/{id}/history",
        "Show the history",
        "The last 90 days, and the most recent verifications.",
        200,
        "History",
        &[401, 404],
    ),
    Operation("get", "/healthz", "Is the process up?", "Needs no token.", 200, "Health", &[]),
    Operation("get", "/readyz", "Does the database answer?", "Needs no token.", 200, "Health", &[503]),
    Operation("get", "/metrics", "Counters", "In Prometheus' text form.", 200, "Text", &[401]),
    Operation("get", "/openapi.json", "This document", "OpenAPI 3.1.", 200, "Object", &[401]),
];

/// The whole document.
pub(crate) fn document(catalogue: &Catalogue) -> Value {
    let mut paths = Map::new();
    for operation in OPERATIONS {
        let path = paths.entry(operation.1).or_insert_with(|| json!({}));
        path[operation.0] = describe(operation);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Keyhaven",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Save an app's credential once, and use the connection.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" }
        },
        "servers": [{ "url": "/" }],
        "security": [{ "accessToken": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": { "accessToken": { "type": "http", "scheme": "bearer", "description": "keyhaven token create --name NAME" } },
            "schemas": schemas(catalogue)
        }
    })
}

fn describe(it: &Operation) -> Value {
    let Operation(method, path, summary, description, status, schema, failures) = it;
    let mut answers = Map::new();
    let mut good = json!({ "description": "Done" });
    if !schema.is_empty() {
        let kind = if *schema == "Text" { "text/plain" } else { "application/json" };
        good["content"] = json!({ kind: { "schema": reference(schema) } });
    }
    answers.insert(status.to_string(), good);
    for failure in *failures {
        let content = json!({ "application/problem+json": { "schema": reference("Problem") } });
        answers.insert(failure.to_string(), json!({ "description": meaning(*failure), "content": content }));
    }
    let mut operation = json!({
        "operationId": format!("{method}{}", path.replace(['/', '{', '}', '.'], "_")),
        "summary": summary, "description": description, "responses": answers, "parameters": parameters(method, path)
    });
    let body = match (*method, *path) {
        ("post", "/api/v1/connections") => "NewConnection",
        ("patch", _) => "ConnectionChange",
        _ => "",
    };
    if !body.is_empty() {
        operation["requestBody"] =
            json!({ "required": true, "content": { "application/json": { "schema": reference(body) } } });
    }
    if failures.is_empty() || *path == "/readyz" {
        operation["security"] = json!([]);
    }
    operation
}

fn meaning(status: u16) -> &'static str {
    match status {
        400 => "Something in the request is wrong; the fields are named",
        401 => "No access token, or one that is unknown, revoked or expired",
        404 => "There is no such thing",
        409 => "It does not fit what is there now",
        412 => "If-Match names an old revision",
        413 => "Larger than 64 KiB",
        415 => "Not JSON",
        422 => "The Idempotency-Key was used for another request",
        _ => "The database does not answer",
    }
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

fn parameters(method: &str, path: &str) -> Value {
    let one = |name: &str, place: &str, schema: Value, description: &str| json!({ "name": name, "in": place, "required": place == "path", "schema": schema, "description": description });
    let text = || json!({ "type": "string" });
    let mut all = Vec::new();
    if path.contains("{id}") {
        let id = if path.contains("connectors") { "The app's id" } else { "The connection's id or slug" };
        all.push(one("id", "path", text(), id));
    }
    match (method, path) {
        ("get", "/api/v1/connections") => {
            let statuses =
                json!({ "type": "string", "enum": ["valid", "invalid", "unverified", "attention"] });
            all.push(one("q", "query", text(), "Looked for in name, account, app and plain fields"));
            all.push(one("status", "query", statuses, "attention is invalid and unverified"));
            all.push(one("connector", "query", text(), "Only this app"));
            all.push(one("deleted", "query", json!({ "type": "boolean" }), "The trash instead of the list"));
            all.push(one("cursor", "query", text(), "next_cursor or previous_cursor of another page"));
            all.push(one(
                "limit",
                "query",
                json!({ "type": "integer", "minimum": 1, "maximum": 200, "default": 50 }),
                "Connections on a page",
            ));
        }
        ("post", "/api/v1/connections") => {
            let key = json!({ "type": "string", "minLength": 1, "maxLength": 255 });
            all.push(one(
                "Idempotency-Key",
                "header",
                key,
                "A repetition with the same key and body makes nothing new, for a day",
            ));
        }
        ("patch", _) => all.push(one("If-Match", "header", text(), "The ETag you worked on, such as \"3\"")),
        ("delete", _) => all.push(one(
            "destroy",
            "query",
            json!({ "type": "boolean", "default": false }),
            "Destroy the sealed values at once",
        )),
        _ => {}
    }
    json!(all)
}

fn schemas(catalogue: &Catalogue) -> Value {
    let text = json!({ "type": "string" });
    let maybe = json!({ "type": ["string", "null"] });
    let time = json!({ "type": ["string", "null"], "format": "date-time" });
    let reasons: Vec<_> = Reason::ALL.into_iter().map(Reason::as_str).collect();
    let reason = json!({ "type": ["string", "null"], "enum": reasons.iter().map(|word| json!(word)).chain([Value::Null]).collect::<Vec<_>>() });
    let suggestion = json!({ "type": ["object", "null"], "properties": { "field": text, "value": text } });
    let check = json!({
        "reason": reason, "detail": maybe, "title": text, "message": text, "remedy": text, "suggestion": suggestion,
        "retry_at": time, "checked_at": time
    });
    let account = json!({ "type": ["object", "null"], "properties": {
        "user": maybe, "email": maybe, "company": maybe, "company_id": maybe, "domain": maybe, "admin": { "type": ["boolean", "null"] } } });
    let plain = json!({ "type": "object", "additionalProperties": text });
    let mut connection = json!({
        "id": text, "slug": text, "name": text, "connector": text, "app": text, "fields": plain,
        "status": { "type": "string", "enum": ["valid", "invalid", "unverified"] }, "account": account, "verified_at": time,
        "last_check": { "type": ["object", "null"], "properties": check.clone() }, "next_check_at": time, "created_at": time,
        "updated_at": time, "revision": { "type": "integer" }, "deleted_at": time, "purge_at": time
    });
    if let (Some(all), Some(more)) = (connection.as_object_mut(), check.as_object()) {
        all.extend(more.clone());
    }
    let list = |of: &str| json!({ "type": "array", "items": reference(of) });
    let count = json!({ "type": "integer" });
    json!({
        "Text": text, "Object": { "type": "object" },
        "Health": { "type": "object", "properties": { "status": { "const": "ok" } } },
        "Connection": { "type": "object", "properties": connection },
        "ConnectionPage": { "type": "object", "properties": { "items": list("Connection"), "next_cursor": maybe, "previous_cursor": maybe } },
        "NewConnection": { "oneOf": catalogue.iter().map(new_connection).collect::<Vec<_>>() },
        "ConnectionChange": { "type": "object", "additionalProperties": false, "properties": {
            "name": text, "fields": plain, "accept_other_account": { "type": "boolean", "default": false } } },
        "ConnectorList": { "type": "object", "properties": { "items": list("Connector") } },
        "Connector": { "type": "object", "properties": {
            "id": text, "name": text, "summary": text, "category": text, "icon_url": text,
            "fields": { "type": "array", "items": { "type": "object" } }, "guide": { "type": "array", "items": { "type": "object" } } } },
        "History": { "type": "object", "properties": {
            "days": { "type": "array", "items": { "type": "object", "properties": {
                "date": text, "valid": count, "invalid": count, "unverified": count, "worst": maybe } } },
            "recent": { "type": "array", "items": { "type": "object", "properties": {
                "at": time, "reason": text, "detail": maybe, "milliseconds": count, "trigger": text } } } } },
        "Problem": { "type": "object", "properties": {
            "type": text, "title": text, "status": count, "detail": text, "code": text, "remedy": text,
            "errors": { "type": "array", "items": { "type": "object", "properties": { "field": text, "message": text } } },
            "accounts": { "type": "object", "properties": { "saved": account, "new": account } } } }
    })
}

/// One app's form as a schema.
fn new_connection(it: &keyhaven_core::Connector) -> Value {
    let mut fields = Map::new();
    for field in &it.fields {
        let mut schema = json!({ "type": "string", "title": field.label, "description": field.help, "examples": [field.example] });
        if field.is_secret() {
            schema["writeOnly"] = json!(true);
        }
        fields.insert(field.id.clone(), schema);
    }
    let required: Vec<_> = it.fields.iter().filter(|field| field.required).map(|field| &field.id).collect();
    json!({
        "title": it.name, "type": "object", "additionalProperties": false, "required": ["connector", "name", "fields"],
        "properties": {
            "connector": { "const": it.id },
            "name": { "type": "string", "maxLength": keyhaven_core::MAX_NAME, "description": it.name_field.help, "examples": [it.name_field.example] },
            "fields": { "type": "object", "additionalProperties": false, "required": required, "properties": fields }
        }
    })
}
