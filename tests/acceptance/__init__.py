"""Acceptance: the three services as processes of their own, with real servers and a Buildbot master around them.

Only Taskcluster's queue is a double; PostgreSQL, RabbitMQ, Buildbot with its plugin and workers are what they are in
production. A test says what people and clocks do, and looks at what Taskcluster, Buildbot and the bridge's rows say in the
end. Each ends with `Scene.over`: nothing is left to do, and the history of both sides keeps the invariants of
`tests.history`, which shares no code with the bridge and believes nothing that it says of itself.

Builds wait at a gate until the test lets them end, so that nothing here depends on how fast the machine is. Names such as
`t_08` are those of the acceptance scenarios. Stacks are few, for each costs ten seconds: one for the whole run whose servers
are never harmed, one whose servers and services are killed, and one with a project whose tasks taskgraph makes (`graphs`).
"""
