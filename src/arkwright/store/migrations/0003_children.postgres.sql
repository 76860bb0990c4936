-- Instances that a node of another instance runs (type 6): whose child each is. One row of one attempt is one
-- instance, which the unique index holds whatever happens; what isn't a child is not in it.
ALTER TABLE instance ADD COLUMN parent_id bigint;
ALTER TABLE instance ADD COLUMN parent_node integer;
ALTER TABLE instance ADD COLUMN parent_attempt integer;
ALTER TABLE instance ADD COLUMN parent_row integer;

CREATE UNIQUE INDEX instance_of_parent ON instance (parent_id, parent_node, parent_attempt, parent_row)
    WHERE parent_id IS NOT NULL;
