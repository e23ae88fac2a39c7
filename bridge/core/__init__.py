"""The core: what a run is, what may happen to it, and what it owes. Pure.

Here every decision of the bridge is made, by value: `lifecycle.advance(run, event) -> run` says what a fact changes,
`lifecycle.owed(run, now) -> command | None` says what must be done next, `chain.reconcile` does the same for all runs of
one task at once, because a run may hand its build request on to the next. `verdict` maps what Buildbot says to what
Taskcluster is told, `admission` decides whether a task may become a build at all, `lease` how long a process may act.

Promises: every function is total over its types, has no effect, and asks nobody for the time: times are arguments, aware
datetimes in UTC. An event that is stale or makes no sense in a phase leaves the run as it was. A phase owes at most one
thing at a time, so the stored run is its own outbox: after a crash whoever reads the row knows what is left to do.

Does not know: HTTP, SQL, messages, settings, logs, or that there is more than one process.

Two kinds of truth come in as events: `TaskSeen` (a status read from Taskcluster's queue) and `RequestSeen` (a build
request's state read from Buildbot). Everything else is an answer to something the run owed. Messages are not events; they
only make a run look sooner (`Hinted`).
"""
