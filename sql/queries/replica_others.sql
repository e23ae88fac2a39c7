-- Other processes that live, and the identity each was configured with (JSON).
SELECT name, service, version, fingerprint AS deployment FROM replicas
WHERE name <> $1 AND seen_at > now() - interval '2 minutes' ORDER BY name
