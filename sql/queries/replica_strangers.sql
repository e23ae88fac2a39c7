-- Other processes that live and were configured with another identity: two such must never serve one database.
SELECT name, service, version, fingerprint, seen_at FROM replicas
WHERE fingerprint <> $1 AND name <> $2 AND seen_at > now() - interval '2 minutes' ORDER BY name
