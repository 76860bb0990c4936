-- The first schema, for PostgreSQL. Bodies are JSON texts; the columns beside them are what queries need.

CREATE TABLE installation (
    name text PRIMARY KEY,
    value text NOT NULL
);

CREATE TABLE id_block (
    name text PRIMARY KEY,
    next bigint NOT NULL
);

INSERT INTO id_block (name, next) VALUES ('id', 1000);

-- A project's workspace under a short number, so that no index repeats two long texts per row.
CREATE TABLE place (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id text NOT NULL,
    workspace_id text NOT NULL,
    UNIQUE (project_id, workspace_id)
);

CREATE TABLE definition (
    id bigint PRIMARY KEY,
    place_id bigint NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    name_folded text NOT NULL,
    category text NOT NULL,
    directory text NOT NULL,
    status text NOT NULL,
    latest_version integer NOT NULL,
    submitted_version integer,
    created_ms bigint NOT NULL,
    created_by text NOT NULL,
    updated_ms bigint NOT NULL,
    updated_by text NOT NULL,
    deleted smallint NOT NULL DEFAULT 0
);

CREATE UNIQUE INDEX definition_live_name ON definition (place_id, kind, name) WHERE deleted = 0;

CREATE INDEX definition_newest ON definition (place_id, kind, created_ms, id) WHERE deleted = 0;

CREATE INDEX definition_newest_of_category ON definition (place_id, kind, category, created_ms, id) WHERE deleted = 0;

CREATE TABLE definition_version (
    definition_id bigint NOT NULL,
    version integer NOT NULL,
    body text NOT NULL,
    created_ms bigint NOT NULL,
    created_by text NOT NULL,
    PRIMARY KEY (definition_id, version)
);

-- Every name that a definition ever had.
CREATE TABLE definition_name (
    place_id bigint NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    definition_id bigint NOT NULL,
    name_folded text NOT NULL,
    PRIMARY KEY (place_id, kind, name, definition_id)
);

CREATE TABLE definition_count (
    place_id bigint NOT NULL,
    kind text NOT NULL,
    category text NOT NULL,
    n bigint NOT NULL,
    PRIMARY KEY (place_id, kind, category)
);

-- `at_ms`: the start time, or the planned time while there is none. `events`: the length of the history.
-- `session`: the process that has been told that its engine owns this instance; 0 for an unowned one.
CREATE TABLE instance (
    id bigint PRIMARY KEY,
    place_id bigint NOT NULL,
    job_id bigint NOT NULL,
    at_ms bigint NOT NULL,
    status text NOT NULL,
    type smallint NOT NULL,
    force_success smallint NOT NULL,
    ignore_success smallint NOT NULL,
    ended smallint NOT NULL,
    owner text,
    session bigint NOT NULL,
    version integer NOT NULL,
    events integer NOT NULL,
    body text NOT NULL
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
    place_id bigint NOT NULL,
    job_id bigint NOT NULL,
    width_ms integer NOT NULL,
    bucket bigint NOT NULL,
    status text NOT NULL,
    type smallint NOT NULL,
    force_success smallint NOT NULL,
    ignore_success smallint NOT NULL,
    n bigint NOT NULL,
    PRIMARY KEY (place_id, job_id, width_ms, bucket, status, type, force_success, ignore_success)
) WITH (fillfactor = 50);

CREATE TABLE node_run (
    instance_id bigint NOT NULL,
    idx integer NOT NULL,
    body text NOT NULL,
    PRIMARY KEY (instance_id, idx)
);

CREATE TABLE attempt (
    instance_id bigint NOT NULL,
    node integer NOT NULL,
    attempt integer NOT NULL,
    type text NOT NULL,
    request text NOT NULL,
    runner text NOT NULL,
    epoch integer NOT NULL,
    lease_until_ms bigint,
    cancel_requested smallint NOT NULL,
    started_ms bigint NOT NULL,
    ended_ms bigint,
    outcome text,
    PRIMARY KEY (instance_id, node, attempt)
);

-- The history: written once, never changed. Partitioned by time; until somebody adds partitions for times to come,
-- all of it is in the default one. The time is in the key because PostgreSQL wants the partition key there.
CREATE TABLE event (
    instance_id bigint NOT NULL,
    seq integer NOT NULL,
    at_ms bigint NOT NULL,
    kind text NOT NULL,
    body text NOT NULL,
    PRIMARY KEY (instance_id, seq, at_ms)
) PARTITION BY RANGE (at_ms);

CREATE TABLE event_default PARTITION OF event DEFAULT;

-- Events on their way to the owner of an instance.
CREATE TABLE posted (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    instance_id bigint NOT NULL,
    body text NOT NULL
);

CREATE TABLE engine (
    name text PRIMARY KEY,
    lease_until_ms bigint,
    renewed_ms bigint NOT NULL
);

CREATE TABLE idempotency (
    scope text NOT NULL,
    key text NOT NULL,
    request_digest text NOT NULL,
    instance_id bigint NOT NULL,
    expires_ms bigint NOT NULL,
    PRIMARY KEY (scope, key)
);

CREATE INDEX idempotency_expiry ON idempotency (expires_ms);

CREATE TABLE identity (
    kind text NOT NULL,
    key text NOT NULL,
    body text NOT NULL,
    PRIMARY KEY (kind, key)
);

CREATE TABLE token (
    token_hash bytea PRIMARY KEY,
    body text NOT NULL,
    expires_ms bigint NOT NULL
);

CREATE INDEX token_expiry ON token (expires_ms);
