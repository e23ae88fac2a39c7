-- How runs ended, by the time of that, in few words: what names a run or a worker is left out. Arguments as in status_waits.
SELECT to_timestamp(floor(extract(epoch FROM t.at) / $2::float8) * $2::float8) AS at,
       CASE WHEN r.outcome LIKE 'handed over%' THEN 'handed over'
            WHEN r.outcome LIKE 'claimed by another worker%' THEN 'claimed by another worker'
            ELSE coalesce(substring(r.outcome FROM '^(?:resolved as )?([a-z-]{1,30})(?:;|$)'), 'other') END AS outcome,
       count(*) AS runs
FROM (SELECT at, task_id, run_id, to_phase FROM transitions
      WHERE to_phase IN ('building', 'settled') AND at >= $1::timestamptz ORDER BY at DESC LIMIT $3::bigint) AS t
JOIN runs AS r ON r.task_id = t.task_id AND r.run_id = t.run_id
WHERE t.to_phase = 'settled'
GROUP BY 1, 2 ORDER BY 1, 2
