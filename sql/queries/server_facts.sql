-- What the server says of itself and of our role in it, for `bbb doctor`.
SELECT current_setting('server_version') AS version, current_database()::text AS database,
       current_user::text AS role, (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser,
       coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS encrypted,
       coalesce(inet_server_addr() << '127.0.0.0/8' OR inet_server_addr() = '::1', true) AS local,
       clock_timestamp() AS now
