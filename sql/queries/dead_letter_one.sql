-- One unreadable message.
SELECT id, at, exchange, routing_key, reason, size, sha256, body FROM dead_letters WHERE id = $1
