-- oldest: 0010
-- The audit in parts by time, as the history is. What is there stays where it is: in the default part.

ALTER TABLE audit RENAME TO audit_default;

ALTER TABLE audit_default DROP CONSTRAINT audit_pkey;

ALTER TABLE audit_default ADD CONSTRAINT audit_default_pkey PRIMARY KEY (id, at_ms);

ALTER INDEX audit_newest RENAME TO audit_default_newest;

CREATE TABLE audit (
    id bigint NOT NULL,
    at_ms bigint NOT NULL,
    project_id text NOT NULL,
    workspace_id text NOT NULL,
    user_id text NOT NULL,
    user_name text NOT NULL,
    source text NOT NULL,
    operation text NOT NULL,
    object text NOT NULL,
    outcome text NOT NULL,
    message text NOT NULL,
    request_id text NOT NULL,
    PRIMARY KEY (id, at_ms)
) PARTITION BY RANGE (at_ms);

CREATE INDEX audit_newest ON audit (workspace_id, at_ms, id);

ALTER TABLE audit ATTACH PARTITION audit_default DEFAULT;

-- The history of instances that are kept longer than the part of their time.
CREATE TABLE event_kept (
    instance_id bigint NOT NULL,
    seq integer NOT NULL,
    at_ms bigint NOT NULL,
    kind text NOT NULL,
    body text NOT NULL,
    PRIMARY KEY (instance_id, seq)
);
