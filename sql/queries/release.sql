-- Give leases back, in bulk.
UPDATE runs SET lease_owner = NULL, lease_until = NULL
FROM unnest($1::text[], $2::integer[]) AS k (task_id, run_id)
WHERE runs.task_id = k.task_id AND runs.run_id = k.run_id AND lease_owner = $3
