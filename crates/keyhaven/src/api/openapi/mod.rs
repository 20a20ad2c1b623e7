//! The OpenAPI 3.1 document. Paths and answers stand in here; what a connector's fields are comes from the catalogue.

mod operations;
mod schemas;
mod syncs;
mod tokens;

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use keyhaven_core::Catalogue;
use serde_json::{Map, Value, json};

use super::codes::CODES;
use crate::server::{AppState, Caller};
use operations::{OPERATIONS, Operation};

pub(super) async fn get(_: Caller, State(state): State<AppState>) -> Json<Value> {
    Json(document(state.app.catalogue()))
}

/// The whole document.
pub(crate) fn document(catalogue: &Catalogue) -> Value {
    let mut paths = Map::new();
    for operation in OPERATIONS.iter().chain(syncs::OPERATIONS) {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.method] = describe(operation);
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
            "schemas": schemas::all(catalogue)
        }
    })
}

fn describe(it: &Operation) -> Value {
    let mut answers = Map::new();
    answers.insert(it.good.0.to_string(), good_answer(it));
    for (status, description) in failures(it) {
        let content = json!({ "application/problem+json": { "schema": reference("Problem") } });
        answers.insert(status.to_string(), json!({ "description": description, "content": content }));
    }
    let mut operation = json!({
        "operationId": format!("{}{}", it.method, it.path.replace(['/', '{', '}', '.'], "_")),
        "summary": it.summary, "description": it.description, "responses": answers, "parameters": parameters(it)
    });
    if let Some(body) = it.body {
        operation["requestBody"] =
            json!({ "required": true, "content": { "application/json": { "schema": reference(body) } } });
    }
    if it.is_open {
        operation["security"] = json!([]);
    }
    operation
}

fn good_answer(it: &Operation) -> Value {
    let (status, schema) = it.good;
    let mut good = json!({ "description": if status == 201 { "Created" } else { "Done" } });
    if !schema.is_empty() {
        let kind = if schema == "Text" { "application/openmetrics-text" } else { "application/json" };
        good["content"] = json!({ kind: { "schema": reference(schema) } });
    }
    if schema == "Connection" {
        good["headers"] = json!({ "ETag": { "description": "The revision, for If-Match", "schema": { "type": "string" } } });
    }
    if status == 201 {
        good["headers"]["Location"] =
            json!({ "description": "The path of what was created", "schema": { "type": "string" } });
    }
    good
}

/// Status to what it may mean here.
fn failures(it: &Operation) -> BTreeMap<u16, String> {
    let mut failures: BTreeMap<u16, String> = BTreeMap::new();
    for code in it.all_codes().filter_map(|word| CODES.iter().find(|code| code.word == word)) {
        let description = failures.entry(code.status).or_default();
        if !description.is_empty() {
            description.push_str(". ");
        }
        description.push_str(&format!("{}: {}", code.word, code.when));
    }
    failures
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

fn parameters(it: &Operation) -> Value {
    let one = |name: &str, place: &str, schema: Value, description: &str| json!({ "name": name, "in": place, "required": place == "path", "schema": schema, "description": description });
    let text = || json!({ "type": "string" });
    let limit = |description: &str| {
        let schema = json!({ "type": "integer", "minimum": 1, "maximum": 200, "default": 50 });
        one("limit", "query", schema, description)
    };
    let if_match = || {
        let etag = json!({ "type": "string", "pattern": "^(\\*|\"[0-9]{1,18}\")$" });
        one("If-Match", "header", etag, "The ETag you worked on, such as \"3\"")
    };
    let mut all = Vec::new();
    if it.path.contains("{id}") {
        let id = match it.path {
            path if path.contains("/connectors/") => "The app's id",
            path if path.contains("/syncs/") => "The sync's id, or its name where only one has it",
            path if path.contains("/tokens/") => "The access token's id or name",
            _ => "The connection's id or slug",
        };
        all.push(one("id", "path", text(), id));
    }
    match (it.method, it.path) {
        ("get", "/api/v1/connections") => {
            let statuses =
                json!({ "type": "string", "enum": ["valid", "invalid", "unverified", "attention"] });
            let search = json!({ "type": "string", "maxLength": 500 });
            all.push(one("q", "query", search, "Looked for in name, account, app and plain fields"));
            all.push(one("status", "query", statuses, "attention is invalid and unverified"));
            all.push(one("connector", "query", text(), "Only this app"));
            all.push(one("deleted", "query", json!({ "type": "boolean" }), "The trash instead of the list"));
            all.push(one("cursor", "query", text(), "next_cursor or previous_cursor of another page"));
            all.push(limit("Connections on a page"));
        }
        ("get", "/api/v1/connections/{id}/usage") => {
            let windows = json!({ "type": "string", "enum": ["hour", "day", "week"], "default": "day" });
            all.push(one("window", "query", windows, "How far back"));
        }
        ("get", "/api/v1/connections/{id}/calls") => {
            all.push(limit("Calls on a page"));
            all.push(one("cursor", "query", text(), "next_cursor of another page"));
        }
        ("get", "/api/v1/audit") => {
            all.push(one("subject", "query", text(), "Only what was done to this connection or token"));
            all.push(one("actor", "query", text(), "Only what this one did, such as token:tk_…"));
            all.push(limit("Records on a page"));
            all.push(one("cursor", "query", text(), "next_cursor of another page"));
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
        ("get", "/api/v1/syncs") => {
            all.push(one("connection", "query", text(), "Only those of this connection, by id or slug"));
        }
        ("get", "/api/v1/syncs/{id}/runs") => {
            all.push(limit("Runs on a page"));
            all.push(one("cursor", "query", text(), "next_cursor of another page"));
        }
        ("patch", "/api/v1/connections/{id}") => all.push(if_match()),
        ("delete", "/api/v1/connections/{id}") => {
            let flag = json!({ "type": "boolean", "default": false });
            all.push(one("destroy", "query", flag, "Destroy the sealed values at once"));
            all.push(if_match());
        }
        _ => {}
    }
    json!(all)
}
