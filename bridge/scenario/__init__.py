"""Scenarios: what happens outside the bridge, written down with times, and what the bridge must make of it.

What it is for
    An incident becomes a file, and the file a test. `bbb replay` plays a file against the bridge that is installed, `bbb
    record` writes one from a run's history, the acceptance tests play the same files against real servers.

What it promises
    It decides nothing about runs: the engine and the core that serve production are played, on ports that stand for the
    two sides. Playing is pure: no network, no database, no settings, and no waiting, for the time is the file's. The same
    file plays the same way each time. What a person did wrong in a file is a `ScenarioError` that says where, what, and how
    to mend it; a file that cannot be played to its end, or an expectation that fails, is told in words.

How the two sides behave where the scenario says nothing
    Taskcluster keeps its queue's rules: a claim lasts for `bridge.claim`; a run whose claim ends is an exception and is
    retried while retries are left, as is one that is reported intermittent-task or worker-shutdown; a minute after its
    deadline a task is resolved; calls for a resolved run are refused (409). Buildbot gives each key one request, and ends
    at once what it is told to cancel, unless the task is `stubborn`. Builds start and end by steps alone. Every message
    arrives at once, unless its step is `unheard`; steps of the same time have all happened before any is heard of. Every
    call is answered, unless a `call` step says otherwise.

What it does not know
    Other replicas, leases and the database (one process serves, and its rows are in memory), the two sides' wires, what is
    in artifacts beyond the log's own words, settings, and rooms other than core and engine.
"""

from bridge.scenario.document import FORMAT, Scenario
from bridge.scenario.judging import differences
from bridge.scenario.played import Played
from bridge.scenario.playing import play
from bridge.scenario.reading import ScenarioError, library, named, parse, read, schema

__all__ = [
    "FORMAT",
    "Played",
    "Scenario",
    "ScenarioError",
    "differences",
    "library",
    "named",
    "parse",
    "play",
    "read",
    "schema",
]
