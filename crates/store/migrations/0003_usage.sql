-- What went through a connection, by minute and token. `minute` is the time at which it begins; ms_50 counts answers
-- of the app that took up to 50 ms, ms_100 those of up to 100, and so on.
CREATE TABLE usage_minutes (
    workspace TEXT NOT NULL,
    connection TEXT NOT NULL REFERENCES connections (id),
    minute BIGINT NOT NULL,
    token TEXT NOT NULL,
    calls BIGINT NOT NULL,
    errors BIGINT NOT NULL,
    refused BIGINT NOT NULL,
    cost BIGINT NOT NULL,
    ms_50 BIGINT NOT NULL,
    ms_100 BIGINT NOT NULL,
    ms_200 BIGINT NOT NULL,
    ms_500 BIGINT NOT NULL,
    ms_1000 BIGINT NOT NULL,
    ms_2000 BIGINT NOT NULL,
    ms_5000 BIGINT NOT NULL,
    ms_more BIGINT NOT NULL,
    PRIMARY KEY (workspace, connection, minute, token)
);

-- Recent calls, one by one. The path is without its query: that may hold what nobody else shall read.
CREATE TABLE calls (
    workspace TEXT NOT NULL,
    connection TEXT NOT NULL REFERENCES connections (id),
    at BIGINT NOT NULL,
    id TEXT NOT NULL,
    token TEXT NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    status BIGINT NOT NULL,
    ms BIGINT NOT NULL,
    source TEXT NOT NULL,
    PRIMARY KEY (workspace, connection, at, id)
);

CREATE INDEX audit_subject ON audit (workspace, subject, at, id);
CREATE INDEX audit_actor ON audit (workspace, actor, at, id);
