-- oldest: 0011
-- The index of a place's instances is only for who asks for all jobs: see the PostgreSQL one.

DROP INDEX instance_of_place;

CREATE INDEX instance_of_place ON instance
    (place_id, at_ms, id, status, type, force_success, ignore_success) WHERE id > 0;
