-- Changes of phase after one that is known, oldest first, with what people filter them by.
SELECT t.id, t.at, t.task_id, t.run_id, t.from_phase, t.to_phase, t.because, t.who, r.pool, r.builder, r.task_group_id
FROM (SELECT * FROM transitions WHERE id > $1 ORDER BY id LIMIT $2) AS t
LEFT JOIN runs AS r ON r.task_id = t.task_id AND r.run_id = t.run_id
ORDER BY t.id
