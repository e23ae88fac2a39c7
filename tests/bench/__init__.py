"""The bench: what a task costs, measured so that a noisy machine cannot change the answer.

What it is for
    The queue and the Buildbot master are the limits of a deployment; the bridge must not be. This counts the calls,
    statements and messages of a task, weighs the CPU of the services against programs that do the same work in other ways,
    and follows CPU and memory as the runs in flight grow.

What it promises
    `python -m tests.bench [--quick] [--only PART,…] [--json FILE]`: tables for people, one JSON file, and a JSON summary as the
    last line; the exit status is 1 if a count differs from the cost model or a figure leaves its bound by more than its
    noise. Only counts, CPU time, ratios of interleaved runs and slopes are judged, never a wall-clock time. A ratio is the
    median of pairs that were run one after the other, A B A B, with a bootstrap interval of 95 %: a bound is broken only
    where the whole interval lies beyond it. A goal that is missed is told, and breaks nothing.

What is measured, and what is not
    The services are processes of their own, started by `bbb`; so is each of their rivals (`rivals`). PostgreSQL, RabbitMQ, the
    double of Taskcluster's queue and Buildbot are processes that are not counted. Buildbot is a ledger here (`ledger`): a master
    needs a fifth of a second of CPU for an empty build, and this machine would measure that. A test holds the ledger's
    answers to the form of the real plugin's.

What it does not know
    TLS, real networks, disks: the CPU that they cost is the same for the bridge and for its rivals.
"""
