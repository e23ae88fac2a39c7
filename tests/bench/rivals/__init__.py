"""Programs that do what the bridge does, in other ways: each a process of its own, weighed against the services.

What it is for
    A figure of CPU says nothing alone. `bare` makes the same calls with the same libraries and keeps nothing: what it costs, the
    calls cost. `stock` makes them one by one, as the libraries' pages show it. `wrapper` is a polling worker around one build,
    which is how people bring Buildbot's builds to Taskcluster today. `serial` is a loop with one statement and one call for
    each row.

What they promise
    They do right what they do in good days, and no more: no faults, no restarts. So each of them costs less than a program
    that could be used.

What they do not know
    The bridge: nothing of it is imported here.
"""
