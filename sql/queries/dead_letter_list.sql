-- The newest unreadable messages.
SELECT id, at, exchange, routing_key, reason, size, sha256, body FROM dead_letters ORDER BY id DESC LIMIT $1
