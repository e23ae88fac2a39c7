-- A page of all unsettled rows by key; the next page starts after the last key of this one.
SELECT * FROM runs
WHERE phase <> 'settled' AND (task_id, run_id) > ($1, $2)
ORDER BY task_id, run_id LIMIT $3
