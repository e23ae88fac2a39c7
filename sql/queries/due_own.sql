-- Lease what is due of the runs whose credentials this process ($1) holds, in the order of `due`, and by the same means: here
-- the holder is in both indexes too, so that what others hold is passed over without reading it.
WITH near AS MATERIALIZED (
    SELECT task_id, run_id FROM runs
    WHERE taken_until < (SELECT now() + interval '10 minutes') AND due_at <= (SELECT now()) AND holder = (SELECT $1::text)
      AND pool = ANY ($4::text[]) AND phase = ANY ($5::text[])
      AND (lease_owner IS NULL OR lease_until < now())
    ORDER BY taken_until, due_at
    LIMIT $2::bigint
    FOR UPDATE SKIP LOCKED)
, others AS MATERIALIZED (
    SELECT task_id, run_id FROM runs
    WHERE phase <> 'settled' AND due_at <= (SELECT now()) AND holder = (SELECT $1::text)
      AND (taken_until IS NULL OR taken_until >= (SELECT now() + interval '10 minutes'))
      AND pool = ANY ($4::text[]) AND phase = ANY ($5::text[])
      AND (lease_owner IS NULL OR lease_until < now())
    ORDER BY due_at
    LIMIT $2::bigint - (SELECT count(*) FROM near)
    FOR UPDATE SKIP LOCKED)
, picked AS (SELECT * FROM near UNION ALL SELECT * FROM others)
UPDATE runs SET lease_owner = $1, lease_until = now() + $3
FROM picked
WHERE runs.task_id = ANY (ARRAY(SELECT task_id FROM picked))
  AND runs.task_id = picked.task_id AND runs.run_id = picked.run_id
RETURNING runs.*
