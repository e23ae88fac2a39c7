"""What a read of the build request said that is news: builds that started and ended, and the request's end."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from bridge.core.run import RunId, Settled
from bridge.core.verdict import Results
from bridge.scenario.evidence import Build, Fact, Happened
from bridge.scenario.trace import Step, Trace

_SLOW: Final = timedelta(seconds=10)
"""A build that took longer than this to stop did not listen."""


def request_seen(of: Trace, change: Happened, fact: Fact) -> None:
    """Take in a build request and its builds as Buildbot showed them."""
    number = fact.request or 0
    made_for = of.requests.setdefault(number, change.run_id)
    if fact.complete and change.from_phase == "stopping":
        return  # what was built and ended while it was being stopped: a replay's request ends when it is cancelled
    for build in fact.builds:
        _build_seen(of, change, made_for, build, fact)
    if change.to_phase == "reporting":
        of.told[change.run_id] = fact
    if fact.complete and number not in of.complete:
        of.complete.add(number)
        _complete(of, change, made_for, fact)


def _build_seen(of: Trace, change: Happened, made_for: int, build: Build, fact: Fact) -> None:
    known = build.id in of.started
    if not known:
        of.started.add(build.id)
        of.add(change.at, {"run": made_for, "buildbot": "build started", "worker": build.worker})
    if build.results is None or build.id in of.over:
        return
    last = fact.complete and build == fact.builds[-1]
    if last and build.results == Results.CANCELLED:
        return  # told by the request's end
    of.over.add(build.id)
    ended: Step = {"run": made_for, "buildbot": "build ended", "results": _name(build.results)}
    still_open = {} if last or build.results == Results.RETRY else {"request": "open"}
    if known and change.from_phase == "queued":
        # A build that another run saw running was over when this one got the request: nobody heard of its end before.
        of.add(of.since[change.run_id], ended | still_open | {"unheard": True})
    else:
        of.add(change.at, ended | still_open)


def _complete(of: Trace, change: Happened, made_for: int, fact: Fact) -> None:
    """The end of a request that no build's end told of."""
    if fact.shutdown:
        of.add(change.at, {"buildbot": "master stopped"})
        of.add(change.at, {"buildbot": "master up"})
    elif fact.results == Results.CANCELLED:
        of.add(change.at, {"run": made_for, "buildbot": "request cancelled"})
    elif not fact.builds or fact.builds[-1].results is None:
        of.add(change.at, {"run": made_for, "buildbot": "request complete", "results": _name(fact.results)})


def stopped(of: Trace, change: Happened) -> None:
    """A stop that took its time: the build did not listen."""
    since, run = of.since.get(change.run_id), of.rows.get(RunId(change.run_id))
    built = run is not None and isinstance(run.phase, Settled) and run.phase.build in of.started
    if change.from_phase == "stopping" and built and since is not None and change.at - since > _SLOW:
        of.task["stubborn"] = True
        made_for = run.phase.request.created_for if run and isinstance(run.phase, Settled) and run.phase.request else 0
        of.add(change.at, {"run": made_for, "buildbot": "build ended", "results": "CANCELLED"})


def _name(results: int | None) -> str:
    return Results(results).name if results in list(Results) else Results.EXCEPTION.name
