-- oldest: 0010
-- Servers: see the PostgreSQL one; an embedded database has one of them.

CREATE TABLE server (
    name TEXT PRIMARY KEY,
    body TEXT NOT NULL,
    schema_level INTEGER NOT NULL,
    lease_until_ms INTEGER,
    draining INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

ALTER TABLE engine ADD COLUMN takes INTEGER NOT NULL DEFAULT 1;

ALTER TABLE lease ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
