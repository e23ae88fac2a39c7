-- What a change of phase was decided on, as far as `bbb record` needs it: facts of both sides, no texts of theirs and no
-- properties. NULL where an older version wrote the row, and where nothing but a message was the cause.
ALTER TABLE transitions ADD COLUMN cause jsonb;
