-- How far back the newest builds and ends reach of which a history is made; NULL where that is all. Arguments as there.
SELECT at FROM transitions WHERE to_phase IN ('building', 'settled') AND at >= $1::timestamptz
ORDER BY at DESC OFFSET $2::bigint LIMIT 1
