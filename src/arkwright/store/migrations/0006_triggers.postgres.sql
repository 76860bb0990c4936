-- What starts runs by events: a job's own trigger, those of a real-time job's nodes, webhooks.
-- `slot`: empty for the job's own, `node:NAME`, `hook:ID`. `epoch` counts starts. `owner`: the engine that looks after it.
CREATE TABLE event_trigger (
    id bigint PRIMARY KEY,
    place_id bigint NOT NULL,
    job_id bigint NOT NULL,
    slot text NOT NULL,
    kind text NOT NULL,
    state text NOT NULL,
    owner text,
    epoch integer NOT NULL,
    body text NOT NULL,
    report text NOT NULL
);

CREATE UNIQUE INDEX event_trigger_slot ON event_trigger (slot, job_id);

CREATE INDEX event_trigger_job ON event_trigger (job_id);

-- Partial: it does not grow with jobs that are stopped.
CREATE INDEX event_trigger_live ON event_trigger (owner, id) WHERE state IN ('ACTIVE', 'STOPPING');

-- The next position of a source (`TOPIC/PARTITION`) that has not been taken yet.
CREATE TABLE trigger_position (
    trigger_id bigint NOT NULL,
    source text NOT NULL,
    next bigint NOT NULL,
    PRIMARY KEY (trigger_id, source)
);

-- Objects below a path that have been seen, and in which version. No more rows than there are objects.
CREATE TABLE trigger_mark (
    trigger_id bigint NOT NULL,
    object text NOT NULL,
    mark text NOT NULL,
    PRIMARY KEY (trigger_id, object)
);

-- Runs that were started and whose end has not been dealt with.
CREATE TABLE trigger_run (
    trigger_id bigint NOT NULL,
    instance_id bigint NOT NULL,
    PRIMARY KEY (trigger_id, instance_id)
);
