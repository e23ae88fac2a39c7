-- What a sweep came to; those of processes that have been gone for a day are forgotten.
WITH old AS (DELETE FROM sweeps WHERE ended_at < now() - interval '1 day' AND (replica, name) <> ($1, $2))
INSERT INTO sweeps (replica, name, began_at, ended_at, found, fault) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (replica, name) DO UPDATE SET began_at = excluded.began_at, ended_at = excluded.ended_at,
    found = excluded.found, fault = excluded.fault
