-- Pending runs that are held back, in pages by key ($1, $2: the last of the page before).
SELECT task_id, run_id, pool FROM runs
WHERE phase = 'wanted' AND held IS NOT NULL AND (task_id, run_id) > ($1, $2)
ORDER BY task_id, run_id LIMIT $3
