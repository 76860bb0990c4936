-- Patches (runs of a plan's past) that are not over, and the instances that were made for each. Gone with their end.

CREATE TABLE patch (
    definition_id INTEGER PRIMARY KEY,
    place_id INTEGER NOT NULL
);

-- One instance per job and plan time of a patch.
CREATE TABLE patch_run (
    definition_id INTEGER NOT NULL,
    job_id INTEGER NOT NULL,
    plan_ms INTEGER NOT NULL,
    instance_id INTEGER NOT NULL,
    PRIMARY KEY (definition_id, job_id, plan_ms)
) WITHOUT ROWID;
