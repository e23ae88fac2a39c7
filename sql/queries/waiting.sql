-- By pool, how many pending runs are held back, the most tries in a row of one debt, and for how many seconds the oldest run
-- without a request has been pending, for metrics.
SELECT pool, count(*) FILTER (WHERE held IS NOT NULL) AS held, max(attempts) AS attempts,
    coalesce(extract(epoch FROM max(now() - scheduled) FILTER (WHERE phase = 'wanted')), 0)::float8 AS oldest
FROM runs WHERE phase <> 'settled' GROUP BY pool ORDER BY pool
