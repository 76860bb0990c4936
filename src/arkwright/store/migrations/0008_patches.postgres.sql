-- Patches (runs of a plan's past) that are not over, and the instances that were made for each. Gone with their end.

CREATE TABLE patch (
    definition_id bigint PRIMARY KEY,
    place_id bigint NOT NULL
);

-- One instance per job and plan time of a patch.
CREATE TABLE patch_run (
    definition_id bigint NOT NULL,
    job_id bigint NOT NULL,
    plan_ms bigint NOT NULL,
    instance_id bigint NOT NULL,
    PRIMARY KEY (definition_id, job_id, plan_ms)
);
