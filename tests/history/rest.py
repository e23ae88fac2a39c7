"""What must not be left when everything is healed and over."""

from collections.abc import Collection, Iterable

from tests.history.evidence import OPEN, Evidence


def at_rest(evidence: Evidence, *, waiting: Collection[str] = ()) -> list[str]:
    """Runs that nobody resolved and builds that run for nobody; `waiting` are tasks held back for a reason that has a name."""
    return [*_unresolved(evidence, waiting), *_running_on(evidence, waiting)]


def _unresolved(evidence: Evidence, waiting: Collection[str]) -> Iterable[str]:
    for task in evidence.tasks:
        runs = evidence.runs(task)
        if runs and runs[-1]["state"] in OPEN and task not in waiting:
            request = evidence.request_for(task, len(runs) - 1)
            letter = "L1" if request is None else "L2"
            yield f"{letter}: {task}/{len(runs) - 1} is still {runs[-1]['state']}"


def _running_on(evidence: Evidence, waiting: Collection[str]) -> Iterable[str]:
    for key, requests in evidence.requests.items():
        task = key.partition("/")[0]
        runs = evidence.runs(task)
        resolved = bool(runs) and runs[-1]["state"] not in OPEN and task not in waiting
        for request in requests:
            if resolved and not request["complete"]:
                yield f"L3: request {request['buildrequestid']} of {key} is open, and its task is over"
