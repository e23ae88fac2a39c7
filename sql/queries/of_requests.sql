-- The unsettled rows that hold one of these build requests.
SELECT * FROM runs
WHERE request_id = ANY ($1::bigint[]) AND phase <> 'settled' AND pool = ANY ($2::text[])
