-- Who serves this database.
SELECT name, service, version, fingerprint, started_at, seen_at FROM replicas ORDER BY service, name
