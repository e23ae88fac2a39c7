-- The newest unreadable messages.
SELECT at, exchange, routing_key, reason, size, sha256, body FROM dead_letters ORDER BY id DESC LIMIT $1
