-- The newest change of phase that is older than what may still be on its way in; 0 where there is none.
SELECT coalesce((SELECT id FROM transitions WHERE at < clock_timestamp() - $1::interval ORDER BY id DESC LIMIT 1), 0)::bigint
