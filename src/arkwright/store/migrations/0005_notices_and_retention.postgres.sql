-- Notices on their way, and the record of those that were told. `key`: one happening and rule make one. `batch`: those
-- that go out in one message; `tries` counts beginnings, and `due_ms` of one that is being sent is when it is taken for
-- lost. The rest of a notice is in `body`.
CREATE TABLE notice (
    id bigint PRIMARY KEY,
    key text NOT NULL UNIQUE,
    place_id bigint NOT NULL,
    job_id bigint NOT NULL,
    instance_id bigint,
    remind smallint NOT NULL,
    at_ms bigint NOT NULL,
    topic text NOT NULL,
    state text NOT NULL,
    tries integer NOT NULL,
    due_ms bigint NOT NULL,
    batch bigint,
    settled_ms bigint,
    error text NOT NULL,
    body text NOT NULL
);

-- Partial: they hold what waits, not what was told.
CREATE INDEX notice_due ON notice (due_ms) WHERE state = 'pending';

CREATE INDEX notice_due_of_topic ON notice (place_id, topic, due_ms) WHERE state = 'pending';

CREATE INDEX notice_newest ON notice (place_id, at_ms, id, state);

CREATE INDEX notice_of_instance ON notice (instance_id) WHERE instance_id IS NOT NULL;

-- How far the clearing away of something has come, per scope; `policy`: by which rule, so that another rule begins anew.
CREATE TABLE retention_mark (
    scope text PRIMARY KEY,
    policy text NOT NULL,
    at_ms bigint NOT NULL,
    id bigint NOT NULL
);
