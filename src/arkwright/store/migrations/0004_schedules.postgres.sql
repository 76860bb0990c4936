-- Started schedules, the plan times that were made, and what waiting instances watch.

-- `cursor_ms`: up to here everything was planned or passed over. `next_ms`: the next plan time; none: nothing is planned
-- (stopped, paused, or at its end).
CREATE TABLE schedule (
    job_id bigint PRIMARY KEY,
    place_id bigint NOT NULL,
    state text NOT NULL,
    cursor_ms bigint NOT NULL,
    next_ms bigint,
    body text NOT NULL
);

CREATE INDEX schedule_next ON schedule (next_ms, job_id) WHERE next_ms IS NOT NULL;

CREATE INDEX schedule_of_place ON schedule (place_id, job_id);

-- One instance per job and plan time, for ever.
CREATE TABLE planned (
    job_id bigint NOT NULL,
    plan_ms bigint NOT NULL,
    instance_id bigint NOT NULL,
    PRIMARY KEY (job_id, plan_ms)
);

-- For clearing away.
CREATE INDEX planned_of_instance ON planned (instance_id);

-- Which jobs a waiting instance watches, its own among them; that row has its time limit. Gone when it waits no more.
CREATE TABLE watched (
    job_id bigint NOT NULL,
    instance_id bigint NOT NULL,
    expires_ms bigint,
    PRIMARY KEY (job_id, instance_id)
);

CREATE INDEX watched_of_instance ON watched (instance_id);

CREATE INDEX watched_expiry ON watched (expires_ms) WHERE expires_ms IS NOT NULL;

CREATE TABLE lease (
    name text PRIMARY KEY,
    owner text NOT NULL,
    until_ms bigint
);

-- Partial: it does not grow with history.
CREATE INDEX instance_unended_of_job ON instance (job_id, status, at_ms) WHERE ended = 0 AND type = 0;

-- Node runs that wait for a slot of their workspace or task group, or hold one: written with the node run itself.
CREATE TABLE slot (
    place_id bigint NOT NULL,
    instance_id bigint NOT NULL,
    node integer NOT NULL,
    task_group text NOT NULL,
    priority integer NOT NULL,
    since_ms bigint NOT NULL,
    held integer NOT NULL,
    PRIMARY KEY (instance_id, node)
);

CREATE INDEX slot_queue ON slot (place_id, held, task_group, priority, since_ms, instance_id, node);
