-- For metrics, by pool and phase, in one reading of what is unsettled: how many runs, how many of them are held back, the most
-- tries in a row of one debt, and for how many seconds the first to be scheduled has been so.
SELECT pool, phase, count(*) AS runs, count(held) AS held, max(attempts) AS attempts,
       extract(epoch FROM now() - min(scheduled))::float8 AS oldest
FROM runs WHERE phase <> 'settled' GROUP BY pool, phase ORDER BY pool, phase
