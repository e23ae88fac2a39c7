"""Chaos: the whole bridge as processes, two of each service, while everything around it and in it is killed.

What it is for
    The simulation and the model check prove the rules; this proves that real processes keep them: real PostgreSQL, RabbitMQ
    and Buildbot, the queue double, the services started by `bbb` itself, and a stream of short tasks of every kind.

What it promises
    `python -m tests.chaos --kills N --seed S [--minutes M]` goes on in rounds. In each, replicas are killed (SIGKILL) at
    random moments and at their own side effects, before and after each; servers are restarted, killed, cut off, stalled,
    emptied; then all is healed, every task has to come to its right end within a bound, and the judge of `tests.history`
    looks at what both sides saw. The last line is JSON; the exit status is 1 if anything was lost, doubled, late, wrongly
    reported or wrongly stopped. Then the tasks concerned are told with their histories, and the logs are kept.

How a replica is killed at an effect
    The bridge's own code is not touched. `zygote` is a process that has imported everything and started nothing; a replica
    is forked from it and runs the command line of `bbb`. Before that `points` puts itself around the few functions of
    aiohttp, asyncpg and aio_pika through which each side effect has to go, and kills the process there when told to.

What it does not promise
    That a seed repeats a run: it repeats what is done to the bridge and in which order, but processes and servers are real.
"""
