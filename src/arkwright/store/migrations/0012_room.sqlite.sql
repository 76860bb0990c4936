-- oldest: 0011
-- Room of engines: see the PostgreSQL one; an embedded database has one engine.

ALTER TABLE engine ADD COLUMN room INTEGER NOT NULL DEFAULT 0;
