-- What operators did, the newest first.
SELECT id AS number, at, who, verb, target, why, outcome FROM audit ORDER BY id DESC LIMIT $1
