//! Syncs: their operations, and their shapes as JSON Schema.

use serde_json::{Value, json};

use super::{
    operations::{Operation, READ},
    reference,
    schemas::{closed, maybe_time},
};

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        path: "/api/v1/syncs",
        summary: "List syncs",
        description: "By name; those whose connections the token may use.",
        good: (200, "SyncList"),
        codes: &["not_found"],
        ..READ
    },
    Operation {
        method: "post",
        path: "/api/v1/syncs",
        summary: "Save a sync",
        description: "Copies what an app has into a database, again and again. The destination is a file below the server's folder of syncs, such as crm.db, or the address of a PostgreSQL database; it is sealed, and its password never comes back. It needs a token without limits: the server will speak to the database named.",
        good: (201, "Sync"),
        body: Some("NewSync"),
        codes: &["invalid_fields", "nothing_to_do"],
        ..READ
    },
    Operation {
        path: "/api/v1/syncs/{id}",
        summary: "Show a sync",
        description: "With its last run, or the one that is under way: how far each stream is.",
        good: (200, "Sync"),
        codes: &["not_found", "nothing_to_do"],
        ..READ
    },
    Operation {
        method: "patch",
        path: "/api/v1/syncs/{id}",
        summary: "Change a sync",
        description: "What is absent stays. A run that is under way ends as it began. It needs a token without limits.",
        good: (200, "Sync"),
        body: Some("SyncChange"),
        codes: &["invalid_fields", "not_found", "nothing_to_do"],
        ..READ
    },
    Operation {
        method: "delete",
        path: "/api/v1/syncs/{id}",
        summary: "Delete a sync",
        description: "With its history. What it has copied stays where it is.",
        good: (204, ""),
        codes: &["not_found", "nothing_to_do"],
        ..READ
    },
    Operation {
        method: "post",
        path: "/api/v1/syncs/{id}/run",
        summary: "Run a sync now",
        description: "It begins in a moment: look at running and last_run.",
        good: (202, "Sync"),
        codes: &["not_found", "nothing_to_do"],
        ..READ
    },
    Operation {
        method: "post",
        path: "/api/v1/syncs/{id}/cancel",
        summary: "Cancel the run",
        description: "It ends in some seconds. What it has written stays, and the next run goes on from there.",
        good: (202, "Sync"),
        codes: &["not_found", "nothing_to_do"],
        ..READ
    },
    Operation {
        method: "post",
        path: "/api/v1/syncs/{id}/pause",
        summary: "Pause a sync",
        description: "It does not run by itself any more. A run that is under way goes on.",
        good: (200, "Sync"),
        codes: &["not_found", "nothing_to_do"],
        ..READ
    },
    Operation {
        method: "post",
        path: "/api/v1/syncs/{id}/resume",
        summary: "Resume a sync",
        description: "It runs by itself again, at the next time of its schedule.",
        good: (200, "Sync"),
        codes: &["not_found", "nothing_to_do"],
        ..READ
    },
    Operation {
        method: "post",
        path: "/api/v1/syncs/{id}/estimate",
        summary: "Estimate the next run",
        description: "Asks the app one cheap question for each long list.",
        good: (200, "SyncEstimate"),
        codes: &["not_found", "nothing_to_do", "connector_gone", "sync_stopped", "secret_does_not_open"],
        ..READ
    },
    Operation {
        path: "/api/v1/syncs/{id}/runs",
        summary: "List runs",
        description: "Newest first; kept for 90 days.",
        good: (200, "SyncRunPage"),
        codes: &["invalid_fields", "not_found", "nothing_to_do"],
        ..READ
    },
];

/// What a person may say of a sync.
fn values() -> Value {
    let text = |about: &str, examples: &[&str]| json!({ "type": ["string", "null"], "description": about, "examples": examples });
    json!({
        "name": text("Connection and destination, where it is not given", &["Sales EU → crm.db"]),
        "destination": { "type": "string", "writeOnly": true, "examples": ["crm.db", "postgres://me:secret@localhost/warehouse?schema=crm"],
            "description": "A file below the server's folder of syncs, or the address of a PostgreSQL database" },
        "streams": { "type": ["array", "null"], "items": { "type": "string" }, "maxItems": 200,
            "description": "Which streams, with those that they need; empty: all", "examples": [["deals", "persons"]] },
        "deleted": { "enum": ["keep", "remove", null], "default": "keep",
            "description": "Records that the app has deleted stay and _deleted_at says when, or they are removed" },
        "share": { "type": ["integer", "null"], "minimum": 1, "maximum": 100, "default": 50,
            "description": "Percent of what is left of the app's budget of today that a run may use" },
        "schedule": text("Plain words, or cron text of five fields", &["every hour", "daily at 06:30", "every monday at 8:00", "30 6 * * 1-5", "manual"]),
        "time_zone": text("Whose hours the schedule means", &["Europe/Berlin", "UTC"]) })
}

/// The schemas by name.
pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    let text = json!({ "type": "string" });
    let maybe = json!({ "type": ["string", "null"] });
    let count = json!({ "type": "integer", "minimum": 0 });
    let time = json!({ "type": "string", "format": "date-time" });
    let flag = json!({ "type": "boolean" });
    let list = |of: Value| json!({ "type": "array", "items": of });
    let mut new = values();
    new["connection"] = json!({ "type": "string", "description": "Its id or slug" });
    new["paused"] = json!({ "type": "boolean", "default": false, "description": "It waits until it is resumed or told to run" });
    let object = |required: &[&str], properties: Value| json!({ "type": "object", "additionalProperties": false, "required": required, "properties": properties });
    let mut stream = closed(json!({
        "name": text, "state": { "enum": ["waiting", "reading", "done", "skipped", "paused", "failed"] },
        "requests": count, "repeated": count, "cost": count, "rows": count, "written": count, "deleted": count, "misfits": count }));
    stream["properties"]["permille"] = json!({ "type": "integer", "minimum": 0, "maximum": 1000, "description": "How far it is, where that can be told" });
    stream["properties"]["waits"] = json!({ "type": "string", "description": "Why nothing moves just now" });
    stream["properties"]["note"] = text.clone();
    let mut estimate =
        closed(json!({ "name": text, "requests": count, "cost": count, "at_most": flag, "at_least": flag }));
    estimate["properties"]["note"] = text.clone();
    let mut whole =
        closed(json!({ "streams": list(estimate), "requests": count, "cost": count, "seconds": count }));
    for (name, about) in [
        ("budget_left", "Left of the app's budget of today"),
        ("budget_allowed", "The most that the run uses of it"),
    ] {
        whole["properties"][name] = json!({ "type": "integer", "minimum": 0, "description": about });
    }
    vec![
        ("SyncList", closed(json!({ "items": list(reference("Sync")) }))),
        ("NewSync", object(&["connection", "destination"], new)),
        ("SyncChange", object(&[], values())),
        (
            "Sync",
            closed(json!({
                "id": text, "name": text,
                "connection": closed(json!({ "id": text, "slug": text, "name": text, "deleted": flag })),
                "destination": text, "streams": list(text.clone()), "deleted": { "enum": ["keep", "remove"] },
                "share": count, "schedule": text, "cron": maybe, "schedule_in_words": text, "time_zone": text,
                "next_times": list(time.clone()), "state": { "enum": ["active", "paused"] }, "running": flag,
                "cancelling": flag, "next_run_at": maybe_time(),
                "last_run": { "anyOf": [reference("SyncRun"), { "type": "null" }] },
                "created_at": time, "updated_at": time })),
        ),
        (
            "SyncRun",
            closed(json!({
                "id": text, "cause": { "enum": ["schedule", "asked", "goes_on"] }, "began_at": time,
                "finished_at": maybe_time(),
                "outcome": { "enum": ["running", "done", "paused", "cancelled", "interrupted", "failed"] },
                "message": maybe, "remedy": maybe, "goes_on_at": maybe_time(), "requests": count, "cost": count,
                "rows_read": count, "rows_written": count, "rows_deleted": count, "streams": list(stream) })),
        ),
        ("SyncRunPage", closed(json!({ "items": list(reference("SyncRun")), "next_cursor": maybe }))),
        ("SyncEstimate", whole),
    ]
}
