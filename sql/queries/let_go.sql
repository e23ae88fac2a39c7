-- Take a run from whoever acts for it or holds its credentials; others need not wait for them any more.
UPDATE runs SET lease_owner = NULL, lease_until = NULL, holder = NULL
WHERE task_id = $1 AND run_id = $2 AND phase <> 'settled'
RETURNING task_id
