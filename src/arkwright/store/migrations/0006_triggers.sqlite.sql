-- What starts runs by events: a job's own trigger, those of a real-time job's nodes, webhooks.
-- `slot`: empty for the job's own, `node:NAME`, `hook:ID`. `epoch` counts starts. `owner`: the engine that looks after it.
CREATE TABLE event_trigger (
    id INTEGER PRIMARY KEY,
    place_id INTEGER NOT NULL,
    job_id INTEGER NOT NULL,
    slot TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    owner TEXT,
    epoch INTEGER NOT NULL,
    body TEXT NOT NULL,
    report TEXT NOT NULL
);

CREATE UNIQUE INDEX event_trigger_slot ON event_trigger (slot, job_id);

CREATE INDEX event_trigger_job ON event_trigger (job_id);

-- Partial: it does not grow with jobs that are stopped.
CREATE INDEX event_trigger_live ON event_trigger (owner, id) WHERE state IN ('ACTIVE', 'STOPPING');

-- The next position of a source (`TOPIC/PARTITION`) that has not been taken yet.
CREATE TABLE trigger_position (
    trigger_id INTEGER NOT NULL,
    source TEXT NOT NULL,
    next INTEGER NOT NULL,
    PRIMARY KEY (trigger_id, source)
) WITHOUT ROWID;

-- Objects below a path that have been seen, and in which version. No more rows than there are objects.
CREATE TABLE trigger_mark (
    trigger_id INTEGER NOT NULL,
    object TEXT NOT NULL,
    mark TEXT NOT NULL,
    PRIMARY KEY (trigger_id, object)
) WITHOUT ROWID;

-- Runs that were started and whose end has not been dealt with.
CREATE TABLE trigger_run (
    trigger_id INTEGER NOT NULL,
    instance_id INTEGER NOT NULL,
    PRIMARY KEY (trigger_id, instance_id)
) WITHOUT ROWID;
