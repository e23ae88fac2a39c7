-- The orders in force.
SELECT kind, pool, builders, who, why, at FROM stops ORDER BY kind, pool, builders
