"""The demo's tasks: what each asks for, what it waits for, and how it should end."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Wish:
    """One task. `ends` is its state and the reason of its last run; `runs` how many runs it takes."""

    name: str
    builder: str
    ends: tuple[str, str | None]
    story: str
    after: tuple[str, ...] = ()
    runs: int = 1
    more: dict[str, Any] = field(default_factory=dict)


DONE = ("completed", "completed")
REFUSED = ("exception", "malformed-payload")

WISHES = (
    Wish("wheel", "wheel", DONE, "clones this repository, builds its wheel"),
    Wish("test core", "test-core", DONE, "runs tests of the core", after=("wheel",)),
    Wish("test payload", "test-payload", DONE, "runs tests of the payload", after=("wheel",)),
    Wish("package", "package", DONE, "packs what was built", after=("test core", "test payload")),
    Wish("flaky", "flaky", DONE, "RETRY once: run 1 adopts the request", runs=2),
    Wish("broken", "broken", ("failed", "failed"), "a build that fails"),
    Wish("after broken", "package", ("unscheduled", None), "needs `broken`, so it never runs", after=("broken",), runs=0),
    Wish(
        "too late", "nobody-home", ("exception", "deadline-exceeded"), "no worker before its deadline", more={"deadline": 8}
    ),
    Wish("cancelled here", "long", ("exception", "canceled"), "cancelled in Taskcluster while it runs"),
    Wish("cancelled there", "nobody-home", ("exception", "canceled"), "cancelled in Buildbot while it waits"),
    Wish("unknown builder", "no-such-builder", REFUSED, "asks for a builder that is not there"),
    Wish("without scope", "wheel", REFUSED, "lacks the scope of its builder", more={"scopes": []}),
)
