-- One text for both databases. Times are milliseconds since 1970 UTC; BYTEA reads BLOB on SQLite.

CREATE TABLE workspaces (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE workspace_keys (
    workspace TEXT PRIMARY KEY REFERENCES workspaces (id),
    key_id TEXT NOT NULL,
    master_key_id TEXT NOT NULL,
    wrapped BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE connections (
    id TEXT PRIMARY KEY,
    workspace TEXT NOT NULL REFERENCES workspaces (id),
    slug TEXT NOT NULL,
    connector TEXT NOT NULL,
    name TEXT NOT NULL,
    sort_key TEXT NOT NULL,
    search_key TEXT NOT NULL,
    fields TEXT NOT NULL,
    status TEXT NOT NULL,
    attention BIGINT NOT NULL,
    verdict TEXT,
    account TEXT,
    last_check TEXT,
    verified_at BIGINT,
    checked_at BIGINT,
    next_check_at BIGINT,
    failures BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    deleted_at BIGINT,
    purge_at BIGINT
);

CREATE UNIQUE INDEX connections_slug ON connections (workspace, slug);
-- The list is read in the order of one of these, one for each filter: no page walks past rows that it does not show.
-- Search looks through the first one alone.
CREATE INDEX connections_list ON connections (workspace, sort_key, id, search_key) WHERE deleted_at IS NULL;
CREATE INDEX connections_status ON connections (workspace, status, sort_key, id) WHERE deleted_at IS NULL;
CREATE INDEX connections_attention ON connections (workspace, attention, sort_key, id) WHERE deleted_at IS NULL;
CREATE INDEX connections_connector ON connections (workspace, connector, sort_key, id) WHERE deleted_at IS NULL;
CREATE INDEX connections_connector_status ON connections (workspace, connector, status, sort_key, id) WHERE deleted_at IS NULL;
CREATE INDEX connections_connector_attention ON connections (workspace, connector, attention, sort_key, id) WHERE deleted_at IS NULL;
CREATE INDEX connections_deleted ON connections (workspace, sort_key, id) WHERE deleted_at IS NOT NULL;

CREATE TABLE secrets (
    workspace TEXT NOT NULL,
    connection TEXT NOT NULL REFERENCES connections (id),
    field TEXT NOT NULL,
    version BIGINT NOT NULL,
    sealed BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (connection, field, version)
);

-- A new key of another company waits here for a yes.
CREATE TABLE pending_changes (
    connection TEXT PRIMARY KEY REFERENCES connections (id),
    workspace TEXT NOT NULL,
    name TEXT NOT NULL,
    fields TEXT NOT NULL,
    account TEXT NOT NULL,
    version BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE TABLE pending_secrets (
    workspace TEXT NOT NULL,
    connection TEXT NOT NULL REFERENCES pending_changes (connection),
    field TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (connection, field)
);

CREATE TABLE verifications (
    id TEXT PRIMARY KEY,
    workspace TEXT NOT NULL,
    connection TEXT NOT NULL REFERENCES connections (id),
    at BIGINT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT,
    ms BIGINT NOT NULL,
    cause TEXT NOT NULL
);

CREATE INDEX verifications_history ON verifications (connection, at);
CREATE INDEX verifications_age ON verifications (workspace, at);

-- A job is due at run_at; whoever takes it holds it until lease_until.
CREATE TABLE jobs (
    workspace TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    run_at BIGINT NOT NULL,
    lease_until BIGINT,
    attempts BIGINT NOT NULL,
    PRIMARY KEY (workspace, kind, subject)
);

CREATE INDEX jobs_due ON jobs (run_at);
CREATE INDEX jobs_held ON jobs (lease_until) WHERE lease_until IS NOT NULL;

CREATE TABLE access_tokens (
    id TEXT PRIMARY KEY,
    workspace TEXT NOT NULL REFERENCES workspaces (id),
    name TEXT NOT NULL,
    hash BYTEA NOT NULL UNIQUE,
    hint TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    last_used_at BIGINT,
    revoked_at BIGINT
);

CREATE TABLE sign_in_links (
    hash BYTEA PRIMARY KEY,
    workspace TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);

CREATE TABLE sessions (
    hash BYTEA PRIMARY KEY,
    workspace TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE TABLE idempotency (
    workspace TEXT NOT NULL,
    actor TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    fingerprint BYTEA NOT NULL,
    subject TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (workspace, actor, idempotency_key)
);

-- Written in the transaction of what it tells; never changed, and outlives what it is about.
CREATE TABLE audit (
    id TEXT PRIMARY KEY,
    workspace TEXT NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    details TEXT NOT NULL,
    client TEXT
);

CREATE INDEX audit_age ON audit (workspace, at);
