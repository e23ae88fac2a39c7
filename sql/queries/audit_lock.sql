-- One operator at a time begins an act on this, until the transaction's end. The first number keeps clear of other locks.
SELECT pg_advisory_xact_lock(1651663204, hashtext($1))
