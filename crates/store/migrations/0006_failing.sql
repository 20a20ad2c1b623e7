-- Since when a connection does not work.
ALTER TABLE connections ADD COLUMN failing_since BIGINT;
UPDATE connections SET failing_since = (SELECT min(bad.at) FROM verifications bad WHERE bad.connection = connections.id
    AND bad.status = 'invalid' AND bad.at > COALESCE((SELECT max(good.at) FROM verifications good
        WHERE good.connection = connections.id AND good.status = 'valid'), 0))
    WHERE status = 'invalid';

-- Until when nothing goes out, because the app refused a call as one too many for that day, and when it did.
CREATE TABLE stops (
    connection TEXT PRIMARY KEY REFERENCES connections (id),
    workspace TEXT NOT NULL,
    until BIGINT NOT NULL,
    told_at BIGINT NOT NULL
);

-- Most answers come within 50 ms where the app is near: counted by finer steps. Rows from before count all of them in ms_50.
ALTER TABLE usage_minutes ADD COLUMN ms_5 BIGINT NOT NULL DEFAULT 0;
ALTER TABLE usage_minutes ADD COLUMN ms_10 BIGINT NOT NULL DEFAULT 0;
ALTER TABLE usage_minutes ADD COLUMN ms_20 BIGINT NOT NULL DEFAULT 0;

-- How long a call waited for its turn, which is not the app's time.
ALTER TABLE calls ADD COLUMN waited_ms BIGINT NOT NULL DEFAULT 0;
