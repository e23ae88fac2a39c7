-- Give an order; one that is in force gets its new words.
INSERT INTO stops (kind, pool, builders, who, why) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (kind, pool, builders) DO UPDATE SET who = excluded.who, why = excluded.why, at = now()
