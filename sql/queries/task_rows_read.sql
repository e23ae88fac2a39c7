-- All runs of a task as they are, for decisions that are made again under the lock.
SELECT * FROM runs WHERE task_id = $1 ORDER BY run_id
