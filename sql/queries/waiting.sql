-- By pool, how many pending runs are held back, and the most tries in a row of one debt, for metrics.
SELECT pool, count(*) FILTER (WHERE held IS NOT NULL) AS held, max(attempts) AS attempts
FROM runs WHERE phase <> 'settled' GROUP BY pool ORDER BY pool
