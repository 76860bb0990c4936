-- Notices on their way, and the record of those that were told. `key`: one happening and rule make one. `batch`: those
-- that go out in one message; `tries` counts beginnings, and `due_ms` of one that is being sent is when it is taken for
-- lost. The rest of a notice is in `body`.
CREATE TABLE notice (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    place_id INTEGER NOT NULL,
    job_id INTEGER NOT NULL,
    instance_id INTEGER,
    remind INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    topic TEXT NOT NULL,
    state TEXT NOT NULL,
    tries INTEGER NOT NULL,
    due_ms INTEGER NOT NULL,
    batch INTEGER,
    settled_ms INTEGER,
    error TEXT NOT NULL,
    body TEXT NOT NULL
);

-- Partial: they hold what waits, not what was told.
CREATE INDEX notice_due ON notice (due_ms) WHERE state = 'pending';

CREATE INDEX notice_due_of_topic ON notice (place_id, topic, due_ms) WHERE state = 'pending';

CREATE INDEX notice_newest ON notice (place_id, at_ms, id, state);

CREATE INDEX notice_of_instance ON notice (instance_id) WHERE instance_id IS NOT NULL;

-- How far the clearing away of something has come, per scope; `policy`: by which rule, so that another rule begins anew.
CREATE TABLE retention_mark (
    scope TEXT PRIMARY KEY,
    policy TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    id INTEGER NOT NULL
) WITHOUT ROWID;
