"""The Buildbot Bridge: Taskcluster tasks, run as Buildbot builds.

A *run* is one attempt at one Taskcluster task, lived out as one Buildbot build. To Taskcluster the bridge is the worker of
some task queues; to Buildbot it is a requester of builds.

Rooms: `core` decides and touches nothing. `taskcluster`, `buildbot`, `store` and `amqp` each know one outside system and
none of each other. `engine` joins them through Protocols of its own. `master` is the plugin inside a Buildbot master: a
guest in another process, which imports nothing of the other rooms.
"""
