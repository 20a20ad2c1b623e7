-- What is copied from a connection into a database again and again. The destination may hold a password, and is sealed;
-- shown_destination is the same without it. A sync is due at next_run_at; whoever runs it holds it until lease_until.
CREATE TABLE syncs (
    id TEXT PRIMARY KEY,
    workspace TEXT NOT NULL REFERENCES workspaces (id),
    connection TEXT NOT NULL REFERENCES connections (id),
    name TEXT NOT NULL,
    sealed_destination BYTEA NOT NULL,
    destination_version BIGINT NOT NULL,
    shown_destination TEXT NOT NULL,
    streams TEXT NOT NULL,
    deleted TEXT NOT NULL,
    share BIGINT NOT NULL,
    schedule TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    state TEXT NOT NULL,
    next_run_at BIGINT,
    cause TEXT NOT NULL,
    holder TEXT,
    lease_until BIGINT,
    cancelled BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE INDEX syncs_connection ON syncs (connection);
CREATE INDEX syncs_due ON syncs (next_run_at) WHERE next_run_at IS NOT NULL;

-- One run. finished_at is empty while it is under way; progress is JSON, stream by stream.
CREATE TABLE sync_runs (
    id TEXT PRIMARY KEY,
    workspace TEXT NOT NULL,
    sync TEXT NOT NULL REFERENCES syncs (id),
    cause TEXT NOT NULL,
    began_at BIGINT NOT NULL,
    finished_at BIGINT,
    outcome TEXT NOT NULL,
    message TEXT,
    remedy TEXT,
    goes_on_at BIGINT,
    requests BIGINT NOT NULL,
    cost BIGINT NOT NULL,
    rows_read BIGINT NOT NULL,
    rows_written BIGINT NOT NULL,
    rows_deleted BIGINT NOT NULL,
    progress TEXT NOT NULL
);

CREATE INDEX sync_runs_history ON sync_runs (sync, began_at, id);
