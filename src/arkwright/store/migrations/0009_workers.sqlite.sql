-- oldest: 0008
-- Workers: attempts that were offered to a group of them, the workers that are there, and the tokens they speak with.

ALTER TABLE attempt ADD COLUMN worker_group TEXT;

ALTER TABLE attempt ADD COLUMN reported_ms INTEGER;

-- What is looked for: leases that run out, and what a worker holds. Attempts on the server's own machine are in neither.
CREATE INDEX attempt_leased ON attempt (lease_until_ms) WHERE worker_group IS NOT NULL AND lease_until_ms IS NOT NULL;

CREATE INDEX attempt_offered ON attempt (runner) WHERE worker_group IS NOT NULL AND ended_ms IS NULL;

CREATE TABLE worker (
    name TEXT PRIMARY KEY,
    body TEXT NOT NULL,
    lease_until_ms INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE worker_token (
    id INTEGER PRIMARY KEY,
    token_hash BLOB NOT NULL UNIQUE,
    body TEXT NOT NULL
);
