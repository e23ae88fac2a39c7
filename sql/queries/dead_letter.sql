-- Keep a message that could not be read, and no more than the newest 10,000 of them.
WITH old AS (DELETE FROM dead_letters WHERE id <= (SELECT max(id) FROM dead_letters) - 10000)
INSERT INTO dead_letters (exchange, routing_key, reason, size, sha256, body) VALUES ($1, $2, $3, $4, $5, $6)
