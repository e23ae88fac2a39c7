-- Pending runs that are held back, as many as are wanted, in no order.
SELECT task_id, run_id, pool FROM runs WHERE phase = 'wanted' AND held IS NOT NULL LIMIT $1
