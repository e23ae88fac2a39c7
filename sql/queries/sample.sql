-- Note how late the bridge is, once in a minute whoever asks, and forget what is older than eight days.
WITH old AS (DELETE FROM samples WHERE at < now() - interval '8 days')
INSERT INTO samples (at, unsettled, held, oldest_due, claim_margin)
VALUES (date_trunc('minute', now()), $1::bigint, $2::bigint, $3::float8, $4::float8)
ON CONFLICT DO NOTHING
