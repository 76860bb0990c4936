-- Parts by time: only PostgreSQL has them; here rows that are too old are deleted in small pieces.

-- The history of instances that are kept longer than the part of their time; empty, unless it was copied here.
CREATE TABLE event_kept (
    instance_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (instance_id, seq)
) WITHOUT ROWID;
