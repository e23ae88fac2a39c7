-- A page of unreadable messages before one that is known, the newest first, with the first bytes of each.
SELECT id, at, exchange, routing_key, reason, size, sha256, substring(body FROM 1 FOR $3::integer) AS body
FROM dead_letters WHERE id < $1::bigint ORDER BY id DESC LIMIT $2::bigint
