-- Save runs that changed (under the version they were read with) and runs that are new (version 0), in bulk, with the
-- changes of phase. $1: rows as JSON; $2: transitions as JSON; $3: who; $4: the holder of their credentials from now on;
-- $5: NULL where the task's rows are locked, and else, for a single row that was decided on without a lock, the time of its
-- last change: it must be that very row, and the only one of its task. Then nothing is saved, or all.
WITH given AS (SELECT * FROM jsonb_populate_recordset(NULL::runs, $1))
, changed AS (
    UPDATE runs SET (
        pool, phase, due_at, look_at, not_before, attempts, task_group_id, scheduler_id, project_id, priority,
        scheduled, deadline, expires, builder, held, asked, request_id, request_run, build_id, after_build,
        told_priority, worker_group, worker_id, taken_until, reclaim_at, verdict, verdict_why, verdict_results,
        since, reason, cancels, over, outcome, missing_since, missing_reads, absent_since,
        version, updated_at, holder, lease_owner, lease_until
    ) = (
        g.pool, g.phase, g.due_at, g.look_at, g.not_before, g.attempts, g.task_group_id, g.scheduler_id,
        g.project_id, g.priority, g.scheduled, g.deadline, g.expires, g.builder, g.held, g.asked, g.request_id,
        g.request_run, g.build_id, g.after_build, g.told_priority, g.worker_group, g.worker_id, g.taken_until,
        g.reclaim_at, g.verdict, g.verdict_why, g.verdict_results, g.since, g.reason, g.cancels, g.over, g.outcome,
        g.missing_since, g.missing_reads, g.absent_since,
        runs.version + 1, now(),
        CASE WHEN g.phase <> 'settled' THEN coalesce($4::text, runs.holder) END,
        CASE WHEN g.phase <> 'settled' THEN runs.lease_owner END,
        CASE WHEN g.phase <> 'settled' THEN runs.lease_until END
    )
    FROM given g
    WHERE runs.task_id = g.task_id AND runs.run_id = g.run_id AND runs.version = g.version
      AND ($5::timestamptz IS NULL OR (
          runs.updated_at = $5
          AND NOT EXISTS (SELECT FROM runs other WHERE other.task_id = g.task_id AND other.run_id <> g.run_id)))
    RETURNING 1)
, added AS (
    INSERT INTO runs (
        task_id, run_id,
        pool, phase, due_at, look_at, not_before, attempts, task_group_id, scheduler_id, project_id, priority,
        scheduled, deadline, expires, builder, held, asked, request_id, request_run, build_id, after_build,
        told_priority, worker_group, worker_id, taken_until, reclaim_at, verdict, verdict_why, verdict_results,
        since, reason, cancels, over, outcome, missing_since, missing_reads, absent_since
    )
    SELECT task_id, run_id,
        pool, phase, due_at, look_at, not_before, attempts, task_group_id, scheduler_id, project_id, priority,
        scheduled, deadline, expires, builder, held, asked, request_id, request_run, build_id, after_build,
        told_priority, worker_group, worker_id, taken_until, reclaim_at, verdict, verdict_why, verdict_results,
        since, reason, cancels, over, outcome, missing_since, missing_reads, absent_since
    FROM given WHERE version = 0
    ON CONFLICT DO NOTHING
    RETURNING 1)
, told AS (
    INSERT INTO transitions (task_id, run_id, from_phase, to_phase, because, who, cause)
    SELECT task_id, run_id, from_phase, to_phase, because, $3, cause
    FROM jsonb_to_recordset($2)
        AS t (task_id text, run_id integer, from_phase text, to_phase text, because text, cause jsonb)
    WHERE $5::timestamptz IS NULL OR EXISTS (SELECT FROM changed))
SELECT (SELECT count(*) FROM changed) + (SELECT count(*) FROM added) AS saved, now() AS saved_at
