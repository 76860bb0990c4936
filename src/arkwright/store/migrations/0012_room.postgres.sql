-- oldest: 0010
-- How many more programs an engine would begin at once, as it last told: those with a queue give it some of theirs.

ALTER TABLE engine ADD COLUMN room integer NOT NULL DEFAULT 0;
