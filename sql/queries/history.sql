-- What happened to the runs of a task, for people.
SELECT run_id, at, from_phase, to_phase, because, who, cause FROM transitions WHERE task_id = $1 ORDER BY id
