-- Lease what is due: claims that end within ten minutes first, the one that ends first before all; the others in the order in
-- which they fell due, so that many slow ones with claims do not keep the rest from their turn. Runs of nobody and of this
-- process ($1), and runs that their holder left overdue ($3: grace). Rows of phases that this version does not know are left
-- to the version that wrote them.
--
-- However many are due, no more are read than are taken: each half walks an index in its order. For the planner moments are
-- subqueries, and the rows to be updated are named twice, in an array: it would guess from statistics how few are due, or how
-- many are picked, and rather read and sort them all, or the table. `near` does not say `phase <> 'settled'`, which goes
-- without saying where there is a claim: the index by due_at shall not serve it.
WITH near AS MATERIALIZED (
    SELECT task_id, run_id FROM runs
    WHERE taken_until < (SELECT now() + interval '10 minutes') AND due_at <= (SELECT now())
      AND pool = ANY ($5::text[]) AND phase = ANY ($6::text[])
      AND (lease_owner IS NULL OR lease_until < now())
      AND (holder = $1 OR holder IS NULL OR due_at < (SELECT now() - $3::interval))
    ORDER BY taken_until, due_at
    LIMIT $2::bigint
    FOR UPDATE SKIP LOCKED)
, others AS MATERIALIZED (
    SELECT task_id, run_id FROM runs
    WHERE phase <> 'settled' AND due_at <= (SELECT now())
      AND (taken_until IS NULL OR taken_until >= (SELECT now() + interval '10 minutes'))
      AND pool = ANY ($5::text[]) AND phase = ANY ($6::text[])
      AND (lease_owner IS NULL OR lease_until < now())
      AND (holder = $1 OR holder IS NULL OR due_at < (SELECT now() - $3::interval))
    ORDER BY due_at
    LIMIT $2::bigint - (SELECT count(*) FROM near)
    FOR UPDATE SKIP LOCKED)
, picked AS (SELECT * FROM near UNION ALL SELECT * FROM others)
UPDATE runs SET lease_owner = $1, lease_until = now() + $4
FROM picked
WHERE runs.task_id = ANY (ARRAY(SELECT task_id FROM picked))
  AND runs.task_id = picked.task_id AND runs.run_id = picked.run_id
RETURNING runs.*
