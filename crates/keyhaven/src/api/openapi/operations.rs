//! Every operation of the API: one entry, from which the document and the page for people are made.

/// One method of one path.
pub(super) struct Operation {
    pub method: &'static str,
    pub path: &'static str,
    pub summary: &'static str,
    pub description: &'static str,
    /// Status and schema of the good answer; no schema where it has no body.
    pub good: (u16, &'static str),
    /// The schema of the body, where it takes one.
    pub body: Option<&'static str>,
    /// What can go wrong here, besides what can go wrong anywhere: words of `codes.rs`.
    pub codes: &'static [&'static str],
    /// Only the health checks answer whoever asks.
    pub is_open: bool,
}

pub(super) const READ: Operation = Operation {
    method: "get",
    path: "",
    summary: "",
    description: "",
    good: (200, "Object"),
    body: None,
    codes: &[],
    is_open: false,
};

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        path: "/api/v1/connectors",
        summary: "List the apps",
        description: "All apps that can be connected, with their fields and guides.",
        good: (200, "ConnectorList"),
        ..READ
    },
    Operation {
        path: "/api/v1/connectors/{id}",
        summary: "Show an app",
        description: "One app, with its fields and guide.",
        good: (200, "Connector"),
        codes: &["not_found"],
        ..READ
    },
    Operation {
        path: "/api/v1/connections",
        summary: "List connections",
        description: "A page of connections in the order of their names.",
        good: (200, "ConnectionPage"),
        codes: &["invalid_fields"],
        ..READ
    },
    Operation {
        method: "post",
        path: "/api/v1/connections",
        summary: "Create a connection",
        description: "Stores the credential sealed and verifies it. A credential that fails is stored, too: look at status and reason.",
        good: (201, "Connection"),
        body: Some("NewConnection"),
        codes: &[
            "invalid_fields",
            "unknown_connector",
            "idempotency_in_progress",
            "connector_gone",
            "idempotency_mismatch",
        ],
        ..READ
    },
    Operation {
        path: "/api/v1/connections/{id}",
        summary: "Show a connection",
        description: "By id or slug. Secrets never come back.",
        good: (200, "Connection"),
        codes: &["not_found"],
        ..READ
    },
    Operation {
        method: "patch",
        path: "/api/v1/connections/{id}",
        summary: "Change a connection",
        description: "A new name never verifies; a new value always does. A secret that is absent or empty stays as saved. A key of another company is refused with 409 unless accept_other_account is true.",
        good: (200, "Connection"),
        body: Some("ConnectionChange"),
        codes: &[
            "invalid_fields",
            "not_found",
            "other_account",
            "nothing_to_do",
            "connector_gone",
            "stale",
            "secret_does_not_open",
        ],
        ..READ
    },
    Operation {
        method: "delete",
        path: "/api/v1/connections/{id}",
        summary: "Delete a connection",
        description: "Into the trash for 30 days, or destroyed at once with destroy=true.",
        good: (204, ""),
        codes: &["invalid_fields", "not_found", "stale"],
        ..READ
    },
    Operation {
        method: "post",
        path: "/api/v1/connections/{id}/verify",
        summary: "Verify now",
        description: "At most two requests to the app, and ten seconds.",
        good: (200, "Connection"),
        codes: &["not_found", "nothing_to_do", "connector_gone", "secret_does_not_open"],
        ..READ
    },
    Operation {
        method: "post",
        path: "/api/v1/connections/{id}/restore",
        summary: "Restore a deleted connection",
        description: "Possible for 30 days.",
        good: (200, "Connection"),
        codes: &["not_found", "nothing_to_do"],
        ..READ
    },
    Operation {
        path: "/api/v1/connections/{id}/history",
        summary: "Show the history",
        description: "The last 90 days, and the most recent verifications.",
        good: (200, "History"),
        codes: &["not_found"],
        ..READ
    },
    Operation {
        path: "/api/v1/connections/{id}/usage",
        summary: "Show the use",
        description: "Calls, errors and how fast the app answers, over time; and the app's budget of today (UTC), which runs out when it does at the pace of the last hour. Its limit is what the app told last or, before it did, assumed: the least that anybody has there. Percentiles are estimates; 5000 stands for that much and more.",
        good: (200, "Usage"),
        codes: &["invalid_fields", "not_found"],
        ..READ
    },
    Operation {
        path: "/api/v1/connections/{id}/calls",
        summary: "List recent calls",
        description: "Newest first, for 7 days unless the server keeps them for another time. Of a busy connection only some are kept one by one.",
        good: (200, "CallPage"),
        codes: &["invalid_fields", "not_found"],
        ..READ
    },
    Operation {
        path: "/api/v1/audit",
        summary: "Read the audit log",
        description: "Who did what, when, and from where; newest first.",
        good: (200, "AuditPage"),
        codes: &["invalid_fields"],
        ..READ
    },
    Operation {
        path: "/api/v1/tokens",
        summary: "List access tokens",
        description: "Newest first, the revoked and expired ones too. Their texts never come back. Like everything around access tokens it needs one without limits.",
        good: (200, "AccessTokenList"),
        ..READ
    },
    Operation {
        method: "post",
        path: "/api/v1/tokens",
        summary: "Make an access token",
        description: "token is its text: it is in this answer and nowhere else. methods, paths, per_minute, per_day and budget_share are for calls through the proxy; the other limits hold everywhere.",
        good: (201, "AccessToken"),
        body: Some("NewAccessToken"),
        codes: &["invalid_fields"],
        ..READ
    },
    Operation {
        path: "/api/v1/tokens/{id}",
        summary: "Show an access token",
        description: "By id, or by name where only one that is not revoked has it.",
        good: (200, "AccessToken"),
        codes: &["not_found", "nothing_to_do"],
        ..READ
    },
    Operation {
        method: "delete",
        path: "/api/v1/tokens/{id}",
        summary: "Revoke an access token",
        description: "It is refused from now on; the list keeps it.",
        good: (204, ""),
        codes: &["not_found", "nothing_to_do"],
        ..READ
    },
    Operation {
        path: "/healthz",
        summary: "Is the process up?",
        description: "Needs no token.",
        good: (200, "Health"),
        is_open: true,
        ..READ
    },
    Operation {
        path: "/readyz",
        summary: "Does the database answer?",
        description: "Needs no token.",
        good: (200, "Health"),
        is_open: true,
        codes: &["database_unavailable"],
        ..READ
    },
    Operation {
        path: "/metrics",
        summary: "Counters",
        description: "In Prometheus' text form.",
        good: (200, "Text"),
        ..READ
    },
    Operation { path: "/openapi.json", summary: "This document", description: "OpenAPI 3.1.", ..READ },
];

impl Operation {
    /// Every word that an answer may hold as `code`.
    pub(super) fn all_codes(&self) -> impl Iterator<Item = &'static str> {
        let anywhere: &[_] = if self.is_open {
            &[]
        } else {
            &["not_signed_in", "not_allowed", "internal", "database_unavailable"]
        };
        let changes: &[_] =
            if self.method == "get" { &[] } else { &["cross_site", "bad_request", "too_slow", "too_large"] };
        let with_body: &[_] = if self.body.is_some() { &["broken_json", "not_json"] } else { &[] };
        [anywhere, changes, with_body, self.codes].into_iter().flatten().copied()
    }
}
