-- A page of runs for people, the newest first. $1: the ways in (open, settled, group, task, request, build); $2-$5: group,
-- task, request and build; $6-$8: the row after which the page begins; $9: no older than this. However few rows fit, at most
-- $10 are looked at: the last of them is given too, not `fitting`, and the next page begins there. $11: phases; $12: pools;
-- $13: builder, as for LIKE; $14: settled or not; $15: only what may be stuck, given the pools of $16 that somebody serves;
-- $17: rows of a page.
SELECT walked.*, fits.fitting
FROM (
    SELECT r.*, row_number() OVER (ORDER BY r.created_at DESC, r.task_id DESC, r.run_id DESC) AS place
    FROM (
        (SELECT * FROM runs WHERE 'open' = ANY ($1::text[]) AND phase <> 'settled'
            AND (created_at, task_id, run_id) < ($6::timestamptz, $7::text, $8::integer) AND created_at >= $9::timestamptz
            ORDER BY created_at DESC, task_id DESC, run_id DESC LIMIT $10::bigint)
        UNION ALL
        (SELECT * FROM runs WHERE 'settled' = ANY ($1::text[]) AND phase = 'settled'
            AND (created_at, task_id, run_id) < ($6::timestamptz, $7::text, $8::integer) AND created_at >= $9::timestamptz
            ORDER BY created_at DESC, task_id DESC, run_id DESC LIMIT $10::bigint)
        UNION ALL
        (SELECT * FROM runs WHERE 'group' = ANY ($1::text[]) AND task_group_id = $2::text
            AND (created_at, task_id, run_id) < ($6::timestamptz, $7::text, $8::integer) AND created_at >= $9::timestamptz
            ORDER BY created_at DESC, task_id DESC, run_id DESC LIMIT $10::bigint)
        UNION ALL
        (SELECT * FROM runs WHERE 'task' = ANY ($1::text[]) AND task_id = $3::text
            AND (created_at, task_id, run_id) < ($6::timestamptz, $7::text, $8::integer) AND created_at >= $9::timestamptz
            ORDER BY created_at DESC, task_id DESC, run_id DESC LIMIT $10::bigint)
        UNION ALL
        (SELECT * FROM runs WHERE 'request' = ANY ($1::text[]) AND request_id = $4::bigint AND phase <> 'settled'
            AND (created_at, task_id, run_id) < ($6::timestamptz, $7::text, $8::integer) AND created_at >= $9::timestamptz
            ORDER BY created_at DESC, task_id DESC, run_id DESC LIMIT $10::bigint)
        UNION ALL
        (SELECT * FROM runs WHERE 'request' = ANY ($1::text[]) AND request_id = $4::bigint AND phase = 'settled'
            AND (created_at, task_id, run_id) < ($6::timestamptz, $7::text, $8::integer) AND created_at >= $9::timestamptz
            ORDER BY created_at DESC, task_id DESC, run_id DESC LIMIT $10::bigint)
        UNION ALL
        (SELECT * FROM runs WHERE 'build' = ANY ($1::text[]) AND build_id = $5::bigint
            AND (created_at, task_id, run_id) < ($6::timestamptz, $7::text, $8::integer) AND created_at >= $9::timestamptz
            ORDER BY created_at DESC, task_id DESC, run_id DESC LIMIT $10::bigint)
    ) AS r
) AS walked,
LATERAL (SELECT
    ($2::text IS NULL OR coalesce(task_group_id = $2::text, false))
    AND ($3::text IS NULL OR task_id = $3::text)
    AND ($4::bigint IS NULL OR coalesce(request_id = $4::bigint, false))
    AND ($5::bigint IS NULL OR coalesce(build_id = $5::bigint, false))
    AND ($11::text[] IS NULL OR phase = ANY ($11::text[]))
    AND ($12::text[] IS NULL OR pool = ANY ($12::text[]))
    AND ($13::text IS NULL OR coalesce(builder LIKE $13::text, false))
    AND ($14::boolean IS NULL OR (phase = 'settled') = $14::boolean)
    AND (NOT $15::boolean OR phase <> 'settled' AND (
        phase IN ('queued', 'reporting', 'refused', 'stopping') OR held IS NOT NULL OR attempts > 0 OR missing_reads > 0
        OR absent_since IS NOT NULL OR due_at < now() - interval '15 seconds' OR coalesce(deadline < now(), false)
        OR coalesce(taken_until < now() + interval '15 minutes', false)
        OR pool <> ALL ($16::text[])))
    AS fitting) AS fits
WHERE walked.place <= $10::bigint AND (fits.fitting OR walked.place = $10::bigint)
ORDER BY walked.created_at DESC, walked.task_id DESC, walked.run_id DESC
LIMIT $17::bigint
