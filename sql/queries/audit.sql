-- Keep that an operator acts, and no more than the newest 100,000 such acts.
WITH old AS (DELETE FROM audit WHERE id <= (SELECT max(id) FROM audit) - 100000)
INSERT INTO audit (who, verb, target, why, outcome) VALUES ($1, $2, $3, $4, $5) RETURNING id
