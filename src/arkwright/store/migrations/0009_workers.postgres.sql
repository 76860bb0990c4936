-- oldest: 0008
-- Workers: attempts that were offered to a group of them, the workers that are there, and the tokens they speak with.

ALTER TABLE attempt ADD COLUMN worker_group text;

ALTER TABLE attempt ADD COLUMN reported_ms bigint;

-- What is looked for: leases that run out, and what a worker holds. Attempts on the server's own machine are in neither.
CREATE INDEX attempt_leased ON attempt (lease_until_ms) WHERE worker_group IS NOT NULL AND lease_until_ms IS NOT NULL;

CREATE INDEX attempt_offered ON attempt (runner) WHERE worker_group IS NOT NULL AND ended_ms IS NULL;

CREATE TABLE worker (
    name text PRIMARY KEY,
    body text NOT NULL,
    lease_until_ms bigint NOT NULL
);

CREATE TABLE worker_token (
    id bigint PRIMARY KEY,
    token_hash bytea NOT NULL UNIQUE,
    body text NOT NULL
);
