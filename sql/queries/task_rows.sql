-- All runs of a task, locked in run order, so that two replicas never wait for each other crosswise; outside a transaction, for the
-- moment of reading.
SELECT * FROM runs WHERE task_id = $1 ORDER BY run_id FOR UPDATE
