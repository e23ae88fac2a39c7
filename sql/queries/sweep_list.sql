-- What each sweep of each process came to, the last time.
SELECT name, replica, began_at, ended_at, found, fault FROM sweeps ORDER BY name, replica
