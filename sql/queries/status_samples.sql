-- How late the bridge was: the worst of each step. $1: since; $2: seconds of a step.
SELECT to_timestamp(floor(extract(epoch FROM at) / $2::float8) * $2::float8) AS at, max(unsettled) AS unsettled,
       max(held) AS held, max(oldest_due) AS oldest_due, min(claim_margin) AS claim_margin
FROM samples WHERE at >= $1::timestamptz GROUP BY 1 ORDER BY 1
