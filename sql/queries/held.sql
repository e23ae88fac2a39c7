-- Why pending runs wait, for people: the same words with and without a run's name are one reason.
SELECT pool, regexp_replace(held, '[A-Za-z0-9_-]{22}/[0-9]{1,3}', '<run>', 'g') AS why, count(*) AS runs
FROM runs WHERE phase = 'wanted' AND held IS NOT NULL
GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT $1
