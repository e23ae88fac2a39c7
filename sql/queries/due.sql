-- Lease what is due: claims that end within ten minutes first, the one that ends first before all; the others in the order in
-- which they fell due, so that many slow ones with claims do not keep the rest from their turn. $3: grace; $4: also runs of
-- nobody, and runs that their holder left overdue. Rows of phases that this version does not know are left to the version
-- that wrote them.
WITH picked AS MATERIALIZED (
    SELECT task_id, run_id FROM runs
    WHERE phase <> 'settled' AND due_at <= now() AND pool = ANY ($6::text[]) AND phase = ANY ($7::text[])
      AND (lease_owner IS NULL OR lease_until < now())
      AND (holder = $1 OR ($4 AND (holder IS NULL OR due_at < now() - $3::interval)))
    ORDER BY CASE WHEN taken_until < now() + interval '10 minutes' THEN taken_until END NULLS LAST, due_at
    LIMIT $2
    FOR UPDATE SKIP LOCKED)
UPDATE runs SET lease_owner = $1, lease_until = now() + $5
FROM picked WHERE runs.task_id = picked.task_id AND runs.run_id = picked.run_id
RETURNING runs.*
