-- What a token may do: JSON that belongs to core. `{}`: everything.
ALTER TABLE access_tokens ADD COLUMN policy TEXT NOT NULL DEFAULT '{}';

-- Counts the changes of tokens and connections, so that whoever remembers them notices those of other processes.
CREATE TABLE generations (
    workspace TEXT PRIMARY KEY REFERENCES workspaces (id),
    generation BIGINT NOT NULL
);
