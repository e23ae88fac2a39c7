-- The newest act on any of these targets. Acts on one thing are begun under one lock, so their numbers are in their order.
SELECT id AS number, at, who, verb, target, why, outcome FROM audit WHERE target = ANY ($1::text[]) ORDER BY id DESC LIMIT 1
