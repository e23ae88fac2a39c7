-- From when a run was scheduled until its build began, in seconds, by the time of that. $1: since; $2: seconds of a step; $3:
-- of so many builds and ends at most, the newest.
SELECT to_timestamp(floor(extract(epoch FROM t.at) / $2::float8) * $2::float8) AS at, count(*) AS builds,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY w.waited) AS half, percentile_cont(0.95) WITHIN GROUP (ORDER BY w.waited) AS most
FROM (SELECT at, task_id, run_id, to_phase FROM transitions
      WHERE to_phase IN ('building', 'settled') AND at >= $1::timestamptz ORDER BY at DESC LIMIT $3::bigint) AS t
JOIN runs AS r ON r.task_id = t.task_id AND r.run_id = t.run_id,
LATERAL (SELECT greatest(0, extract(epoch FROM t.at - coalesce(r.scheduled, r.created_at)))::float8 AS waited) AS w
WHERE t.to_phase = 'building'
GROUP BY 1 ORDER BY 1
