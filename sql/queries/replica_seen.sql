-- A process shows that it lives, and forgets others that have not for a day.
WITH gone AS (DELETE FROM replicas WHERE name <> $1 AND seen_at < now() - interval '1 day')
INSERT INTO replicas (name, service, version, fingerprint) VALUES ($1, $2, $3, $4)
ON CONFLICT (name) DO UPDATE SET seen_at = now(),
    service = excluded.service, version = excluded.version, fingerprint = excluded.fingerprint
