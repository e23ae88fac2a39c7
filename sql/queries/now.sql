-- The time that all replicas go by.
SELECT clock_timestamp()
