-- Add rows for runs heard of, in bulk; a run that has a row keeps it. $7: who; $8: why.
WITH new AS (
    INSERT INTO runs (task_id, run_id, pool, phase, look_at, not_before, due_at, asked)
    SELECT task_id, run_id, pool, 'wanted', look_at, not_before, due_at, false
    FROM unnest($1::text[], $2::integer[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[])
        AS n (task_id, run_id, pool, look_at, not_before, due_at)
    ORDER BY task_id, run_id
    ON CONFLICT DO NOTHING
    RETURNING task_id, run_id, phase)
, told AS (
    INSERT INTO transitions (task_id, run_id, to_phase, because, who)
    SELECT task_id, run_id, phase, $8, $7 FROM new)
SELECT task_id, run_id FROM new
