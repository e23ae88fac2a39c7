-- The moments by which people see how late the bridge is: the oldest debt, the first claim to end, the run that waits longest.
SELECT (SELECT min(due_at) FROM runs WHERE phase <> 'settled') AS oldest_due,
       (SELECT min(taken_until) FROM runs WHERE phase <> 'settled') AS first_claim_ends,
       (SELECT created_at FROM runs WHERE phase <> 'settled' AND phase = 'wanted'
        ORDER BY created_at, task_id, run_id LIMIT 1) AS oldest_wanted
