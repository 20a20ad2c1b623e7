-- What an app last told of the budget of a connection's company: the whole of a day, what is left of it, and when.
CREATE TABLE told_budgets (
    connection TEXT PRIMARY KEY REFERENCES connections (id),
    workspace TEXT NOT NULL,
    per_day BIGINT NOT NULL,
    remaining BIGINT NOT NULL,
    told_at BIGINT NOT NULL
);
