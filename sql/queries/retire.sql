-- Delete a batch of settled rows whose deadline is long past, with their transitions: no late message can name them. A row
-- whose task was never read has no deadline; the time of its last change stands in for it.
WITH picked AS MATERIALIZED (
    SELECT task_id, run_id FROM runs
    WHERE phase = 'settled' AND coalesce(deadline, updated_at) < now() - $1::interval
    ORDER BY coalesce(deadline, updated_at)
    LIMIT $2
    FOR UPDATE SKIP LOCKED)
, old AS (
    DELETE FROM runs USING picked WHERE runs.task_id = picked.task_id AND runs.run_id = picked.run_id
    RETURNING runs.task_id, runs.run_id)
, gone AS (
    DELETE FROM transitions t USING old WHERE t.task_id = old.task_id AND t.run_id = old.run_id)
SELECT count(*) FROM old
