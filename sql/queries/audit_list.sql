-- What operators did, the newest first.
SELECT at, who, verb, target, why, outcome FROM audit ORDER BY id DESC LIMIT $1
