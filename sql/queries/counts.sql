-- How many runs are in each phase, by pool, for metrics and `bbb status`.
SELECT pool, phase, count(*) AS runs FROM runs WHERE phase <> 'settled' GROUP BY pool, phase ORDER BY pool, phase
