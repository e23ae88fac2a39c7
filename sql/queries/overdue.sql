-- The unsettled rows that have owed something for longest, for `bbb status`.
SELECT * FROM runs WHERE phase <> 'settled' AND due_at < now() ORDER BY due_at LIMIT $1
