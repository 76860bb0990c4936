-- oldest: 0010
-- Servers that share the database: who they are, how long they count as there, and which of them are to be emptied.
-- The lease of the scheduler counts its holds: a write under an earlier one is refused.

CREATE TABLE server (
    name text PRIMARY KEY,
    body text NOT NULL,
    schema_level integer NOT NULL,
    lease_until_ms bigint,
    draining smallint NOT NULL DEFAULT 0
);

-- 0: it owns something (event triggers), but takes no instances: it has no engine, or is to be emptied.
ALTER TABLE engine ADD COLUMN takes smallint NOT NULL DEFAULT 1;

ALTER TABLE lease ADD COLUMN epoch bigint NOT NULL DEFAULT 0;
