-- The first schema, for SQLite. Bodies are JSON texts; the columns beside them are what queries need.

CREATE TABLE installation (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE id_block (
    name TEXT PRIMARY KEY,
    next INTEGER NOT NULL
) WITHOUT ROWID;

INSERT INTO id_block (name, next) VALUES ('id', 1000);

-- A project's workspace under a short number, so that no index repeats two long texts per row.
CREATE TABLE place (
    id INTEGER PRIMARY KEY,
    project_id TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    UNIQUE (project_id, workspace_id)
);

CREATE TABLE definition (
    id INTEGER PRIMARY KEY,
    place_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    category TEXT NOT NULL,
    directory TEXT NOT NULL,
    status TEXT NOT NULL,
    latest_version INTEGER NOT NULL,
    submitted_version INTEGER,
    created_ms INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    updated_ms INTEGER NOT NULL,
    updated_by TEXT NOT NULL,
    deleted INTEGER NOT NULL DEFAULT 0
);

CREATE UNIQUE INDEX definition_live_name ON definition (place_id, kind, name) WHERE deleted = 0;

CREATE INDEX definition_newest ON definition (place_id, kind, created_ms, id) WHERE deleted = 0;

CREATE INDEX definition_newest_of_category ON definition (place_id, kind, category, created_ms, id) WHERE deleted = 0;

CREATE TABLE definition_version (
    definition_id INTEGER NOT NULL,
    version INTEGER NOT NULL,
    body TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (definition_id, version)
);

-- Every name that a definition ever had.
CREATE TABLE definition_name (
    place_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    definition_id INTEGER NOT NULL,
    name_folded TEXT NOT NULL,
    PRIMARY KEY (place_id, kind, name, definition_id)
) WITHOUT ROWID;

CREATE TABLE definition_count (
    place_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    category TEXT NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (place_id, kind, category)
) WITHOUT ROWID;

-- `at_ms`: the start time, or the planned time while there is none. `events`: the length of the history.
-- `session`: the process that has been told that its engine owns this instance; 0 for an unowned one.
CREATE TABLE instance (
    id INTEGER PRIMARY KEY,
    place_id INTEGER NOT NULL,
    job_id INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    status TEXT NOT NULL,
    type INTEGER NOT NULL,
    force_success INTEGER NOT NULL,
    ignore_success INTEGER NOT NULL,
    ended INTEGER NOT NULL,
    owner TEXT,
    session INTEGER NOT NULL,
    version INTEGER NOT NULL,
    events INTEGER NOT NULL,
    body TEXT NOT NULL
);

-- Both lists are answered from their index alone but for the rows of the page.
CREATE INDEX instance_of_place ON instance
    (place_id, at_ms, id, status, type, force_success, ignore_success);

CREATE INDEX instance_of_job ON instance
    (place_id, job_id, at_ms, id, status, type, force_success, ignore_success);

-- Partial: it does not grow with history.
CREATE INDEX instance_unended ON instance (owner, session, id) WHERE ended = 0;

-- How many instances, per bucket of `at_ms`: `width_ms` is a day, an hour and a minute; `bucket` is at_ms / width_ms;
-- `job_id` -1 counts those of all jobs. Rows that come to nothing are deleted.
CREATE TABLE instance_count (
    place_id INTEGER NOT NULL,
    job_id INTEGER NOT NULL,
    width_ms INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    status TEXT NOT NULL,
    type INTEGER NOT NULL,
    force_success INTEGER NOT NULL,
    ignore_success INTEGER NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (place_id, job_id, width_ms, bucket, status, type, force_success, ignore_success)
) WITHOUT ROWID;

CREATE TABLE node_run (
    instance_id INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (instance_id, idx)
) WITHOUT ROWID;

CREATE TABLE attempt (
    instance_id INTEGER NOT NULL,
    node INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    type TEXT NOT NULL,
    request TEXT NOT NULL,
    runner TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    lease_until_ms INTEGER,
    cancel_requested INTEGER NOT NULL,
    started_ms INTEGER NOT NULL,
    ended_ms INTEGER,
    outcome TEXT,
    PRIMARY KEY (instance_id, node, attempt)
) WITHOUT ROWID;

-- The history: written once, never changed.
CREATE TABLE event (
    instance_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (instance_id, seq)
) WITHOUT ROWID;

-- Events on their way to the owner of an instance. AUTOINCREMENT: an id never comes twice.
CREATE TABLE posted (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    instance_id INTEGER NOT NULL,
    body TEXT NOT NULL
);

CREATE TABLE engine (
    name TEXT PRIMARY KEY,
    lease_until_ms INTEGER,
    renewed_ms INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE idempotency (
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    request_digest TEXT NOT NULL,
    instance_id INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) WITHOUT ROWID;

CREATE INDEX idempotency_expiry ON idempotency (expires_ms);

CREATE TABLE identity (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (kind, key)
) WITHOUT ROWID;

CREATE TABLE token (
    token_hash BLOB PRIMARY KEY,
    body TEXT NOT NULL,
    expires_ms INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX token_expiry ON token (expires_ms);
