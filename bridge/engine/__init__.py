"""The engine: joins the core's decisions to the outside, and knows the outside only by the Protocols in `ports`.

`hear` takes facts in: load the task's rows, let the core decide, save, one transaction, no call to anybody inside it.
`settle` pays what a run owes: lease the row, perform the one thing owed, hear the answer, until nothing is owed now.

Promises: nothing is done outside that a stored phase does not ask for; every effect can be repeated by any replica; an
expected refusal is an event and never an exception; one run's trouble delays no other.

Does not know: SQL, HTTP, AMQP, Buildbot's or Taskcluster's wire formats, settings.
"""
