-- Take or renew a row's lease: not while another process acts, nor while one that has the credentials keeps up ($3: grace).
UPDATE runs SET lease_owner = $4, lease_until = now() + $5
WHERE task_id = $1 AND run_id = $2
  AND phase <> 'settled' AND pool = ANY ($6::text[]) AND phase = ANY ($7::text[])
  AND (lease_owner IS NULL OR lease_owner = $4 OR lease_until < now())
  AND (holder IS NULL OR holder = $4 OR due_at < now() - $3::interval)
RETURNING *
