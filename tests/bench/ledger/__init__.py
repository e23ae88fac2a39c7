"""A Buildbot that builds nothing: the plugin's interface over a ledger in memory, as a process of its own.

What it is for
    The bench wants builds that begin and end when it says, by the thousand, at no cost.

What it promises
    The paths, forms and order of events of the plugin (`bridge.master`) for what the services call in good days: submit, find,
    states, requests, changes, properties, steps, logs, outputs, version, builders, cancel. It counts every call by kind. A build
    starts as soon as its request is there, or when `start` is told, and lasts for `seconds`, or until `finish` is told.

What it does not know
    Refusals, limits, priorities, restarts: no measurement has them.
"""
