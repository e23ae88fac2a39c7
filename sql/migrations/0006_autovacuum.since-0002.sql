-- Tables that grow with every run, or change all the time with few rows: cleaned by what changed, and not by a fifth of a
-- table that keeps a month of history.
ALTER TABLE transitions SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
                             autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE replicas SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);
ALTER TABLE sweeps SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);
ALTER TABLE samples SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
