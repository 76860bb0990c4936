-- oldest: 0010
-- The index of a place's instances is only for who asks for all jobs, and says so by its condition, which holds for each
-- row: lists of one job went by it, too, where the statistics made it look as good as the job's own, and read all that
-- had run in the place. Older servers beside a new one don't say it: their lists of all jobs take longer until they go.
-- Dropped first: so the one lock that this needs is taken at once, and nobody waits crosswise with it.

DROP INDEX instance_of_place;

CREATE INDEX instance_of_place ON instance
    (place_id, at_ms, id, status, type, force_success, ignore_success) WHERE id > 0;
