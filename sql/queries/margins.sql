-- Seconds since the oldest debt was due, and until the first claim of ours expires.
SELECT extract(epoch FROM now() - min(due_at))::float8 AS oldest_due,
       extract(epoch FROM min(taken_until) - now())::float8 AS claim_margin
FROM runs WHERE phase <> 'settled'
