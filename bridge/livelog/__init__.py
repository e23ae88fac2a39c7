"""The live log: a running build's log as a web page that grows, at an address that only those get who may read the task.

Promises: what a reader sees is the transcript of the build (`bridge.engine.transcript`), redacted like the finished log; an
address opens the log of one build for one run until it expires, and nothing else; a reader that does not read costs no more
memory than a piece of the log and is dropped after a while; readers of one build share what is read from Buildbot; there
are never more readers than the settings allow; all of them are gone two seconds after the end of the service.

It listens on a port of its own: that of health and metrics has no login, and this one is meant for the public.

Does not know: Buildbot, whose builds come through a Protocol; the database; who may read a task (Taskcluster knows, and
gives out the address as it gives out the task's artifacts); how its numbers are counted.
"""
