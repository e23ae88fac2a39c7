"""The store: the only room that knows PostgreSQL. Rows are the truth of the bridge, and their own outbox.

Promises: a run saved is a run loaded, phase by phase and to the microsecond; what `change` saves was decided on rows that
nobody else changed meanwhile. The only row of a task is saved in one statement that does nothing unless the row is the
very one decided on; several rows of a task are locked, in run order, so that replicas never wait crosswise. No transaction
is open while anybody waits for the outside. Faults of the server come as `faults.Unavailable` (it may have committed: read
again), anything else is a defect and propagates.

Leases spread the work, they do not make it right: right is what the versions and the other sides' idempotent calls make.
All times are the database's, so that replicas with different clocks agree on what is due.

Does not know: what a phase means, who asks, Taskcluster, Buildbot.
"""
