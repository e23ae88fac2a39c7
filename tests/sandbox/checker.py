"""Judges what happened, from the outside alone: the double's journal and history, and Buildbot's own tables.

It shares no code with the bridge and believes nothing that the bridge says of itself. The letters are the invariants:

S1  one request per run; two open ones of a task only while the older run is resolved
S3  a claim only of a run whose request has a build, or in the bridge's own name; one identity per run
S4  the verdict is what Buildbot says of the request that the run holds, and it is told once, on one run only
S5  cancelTask only directly after a status read that shows the run last and unresolved; rerunTask never
S7  no request is cancelled that an unresolved run holds or may adopt, unless a person did it
S9  artifacts before the report
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.sandbox.stack import Stack

OWN = "buildbot-bridge"
OPEN = ("pending", "running")
HANDED = ("intermittent-task", "claim-expired")
RETRIES = ("retry", "task-retry")
CANCELLED, RETRY, SKIPPED = 6, 5, 3
# Buildbot's results and the resolutions they may have; SKIPPED without a build is told apart in `_fits`.
VERDICTS: dict[int, set[str]] = {0: {"completed"}, 1: {"completed"}, 2: {"failed"}, 3: {"completed"}, 4: {"internal-error"},
                                 6: {"worker-shutdown", "canceled"}}  # fmt: skip
REPORTS = {"queue.reportCompleted": "completed", "queue.reportFailed": "failed", "queue.reportException": ""}
Json = dict[str, Any]


@dataclass
class Evidence:
    """What the outside holds about some tasks. `calls` are all calls of the bridge, also those about no one task."""

    calls: list[Json]
    history: list[Json]
    tasks: dict[str, Json]
    requests: dict[str, list[Json]] = field(default_factory=dict)
    """By key, rebuilds not counted; each with its `builds`."""

    def runs(self, task: str) -> list[Json]:
        return self.tasks[task]["status"]["runs"]

    def made(self, *apis: str) -> list[Json]:
        """The bridge's calls of these kinds about these tasks, or about no one task."""
        return [call for call in self.calls if call["api"] in apis and call["taskId"] in (None, *self.tasks)]

    def at(self, task: str, run: int, when: float) -> Json | None:
        """The run's last transition up to then."""
        found = [t for t in self.history if (t["taskId"], t["runId"]) == (task, run) and t["unix"] <= when]
        return found[-1] if found else None

    def last(self, task: str, when: float) -> int:
        return max((t["runId"] for t in self.history if t["taskId"] == task and t["unix"] <= when), default=-1)

    def holder(self, task: str, run: int, when: float) -> int:
        """The run that holds, or may adopt, the request made for `run`."""
        while True:
            state, following = self.at(task, run, when), self.at(task, run + 1, when)
            if state is None or state["reason"] not in HANDED or following is None:
                return run
            if self.runs(task)[run + 1]["reasonCreated"] not in RETRIES:
                return run
            run += 1

    def request_for(self, task: str, run: int) -> Json | None:
        """The request that the run held: its own, or its predecessor's by an unbroken chain of retries."""
        runs = self.runs(task)
        while True:
            if found := self.requests.get(f"{task}/{run}"):
                return found[0]
            if run == 0 or runs[run]["reasonCreated"] not in RETRIES or runs[run - 1].get("reasonResolved") not in HANDED:
                return None
            run -= 1


async def gather(stack: Stack, tasks: Collection[str]) -> Evidence:
    """Collect what the queue double and Buildbot know about these tasks."""
    calls = [call for call in await _all(stack, "journal", "entries") if call["client"] != "admin"]
    history = await _all(stack, "history", "transitions")
    found = {task: await stack.control("GET", f"tasks/{task}") for task in tasks}
    evidence = Evidence(calls, history, found)
    for requests in (await stack.requests_of(tasks)).values():
        for request in requests:
            evidence.requests.setdefault(request["key"], []).append(request)
    return evidence


async def _all(stack: Stack, window: str, name: str) -> list[Json]:
    found: list[Json] = []
    since = 0
    while True:
        page = await stack.control("GET", f"{window}?since={since}")
        if page["next"] == since:
            return found
        found += page[name]
        since = page["next"]


def judge(
    evidence: Evidence, *, allowed: dict[int, set[str]] | None = None, cancelled_by_people: Collection[str] = ()
) -> list[str]:
    """Everything that was wrong, in words; empty when nothing was.

    `allowed` replaces lines of the verdict table; `cancelled_by_people` are keys of requests that a person, or a master's
    stop, cancelled in Buildbot.
    """
    verdicts = {**VERDICTS, **(allowed or {})}
    return [
        *_single_requests(evidence),
        *_claims(evidence),
        *(wrong for task in evidence.tasks for wrong in _verdicts(evidence, task, verdicts)),
        *_cancels_of_tasks(evidence),
        *_stops(evidence, cancelled_by_people),
        *_uploads(evidence),
    ]


def _single_requests(evidence: Evidence) -> Iterable[str]:
    for key, requests in evidence.requests.items():
        if len(requests) > 1:
            yield f"S1: {key} has requests {[r['buildrequestid'] for r in requests]}"
    for task in evidence.tasks:
        open_runs = [n for n in range(len(evidence.runs(task))) if _open_request(evidence, f"{task}/{n}")]
        held = [n for n in open_runs[:-1] if evidence.runs(task)[n]["state"] in OPEN]
        if held:
            yield f"S1: {task} has open requests of runs {open_runs}, of which {held} are unresolved"


def _open_request(evidence: Evidence, key: str) -> bool:
    return any(not request["complete"] for request in evidence.requests.get(key, []))


def _claims(evidence: Evidence) -> Iterable[str]:
    identities: dict[tuple[str, int], set[tuple[str, str]]] = {}
    for call in evidence.made("queue.claimTask"):
        identities.setdefault((call["taskId"], call["runId"]), set()).add((call["workerGroup"], call["workerId"]))
        request = evidence.request_for(call["taskId"], call["runId"])
        # Buildbot's times are whole seconds, rounded down.
        started = request is not None and any(b["started_at"] <= call["unix"] for b in request["builds"])
        skipped = request is not None and request["complete"] and not request["builds"]
        if not started and not skipped and call["workerId"] != OWN:
            yield f"S3: {call['taskId']}/{call['runId']} was claimed before a build of its request started"
    for key, who in identities.items():
        if len(who) > 1:
            yield f"S3: {key} was claimed under {sorted(who)}"


def _told(evidence: Evidence, task: str, run: int) -> set[str]:
    """The resolutions that the bridge caused."""
    mine = (call for call in evidence.made(*REPORTS) if (call["taskId"], call["runId"], call["done"]) == (task, run, 200))
    return {REPORTS[call["api"]] or call.get("reason", "?") for call in mine}


def _verdicts(evidence: Evidence, task: str, verdicts: dict[int, set[str]]) -> Iterable[str]:
    final: dict[int, list[int]] = {}
    for run, seen in enumerate(evidence.runs(task)):
        told = _told(evidence, task, run)
        if len(told) > 1:
            yield f"S4: {task}/{run} was resolved in {len(told)} ways: {sorted(told)}"
        for word in told:
            if word != seen.get("reasonResolved"):
                yield f"S4: {task}/{run} was told {word} and is {seen.get('reasonResolved')}"
            request = evidence.request_for(task, run)
            yield from _fits(f"{task}/{run}", word, request, verdicts)
            if request is not None and word not in ("intermittent-task", "worker-shutdown", "malformed-payload"):
                final.setdefault(request["buildrequestid"], []).append(run)
    for number, runs in final.items():
        if len(runs) > 1:
            yield f"S4: the result of request {number} was told for runs {runs} of {task}"


def _fits(key: str, word: str, request: Json | None, verdicts: dict[int, set[str]]) -> Iterable[str]:
    if word == "malformed-payload":
        if request is not None:
            yield f"S4: {key} is malformed-payload and has request {request['buildrequestid']}"
    elif request is None:
        yield f"S4: {key} was told {word} without any request"
    elif word == "intermittent-task":
        if not any(build["results"] == RETRY for build in request["builds"]):
            yield f"S4: {key} is intermittent-task, but no build ended RETRY"
    elif not request["complete"]:
        yield f"S4: {key} was told {word} while request {request['buildrequestid']} is open"
    else:
        collapsed = request["results"] == SKIPPED and not request["builds"]
        right = {"internal-error"} if collapsed else verdicts.get(request["results"], {"internal-error"})
        if word not in right:
            yield f"S4: {key} was told {word} for result {request['results']}"


def _cancels_of_tasks(evidence: Evidence) -> Iterable[str]:
    for call in evidence.made("queue.rerunTask"):
        yield f"S5: rerunTask of {call['taskId']}"
    for call in evidence.made("queue.cancelTask"):
        task, before = call["taskId"], call["unix"]
        reads = [e for e in evidence.made("queue.status", "queue.statuses") if e["n"] < call["n"] and e["done"] == 200]
        earlier = [e["n"] for e in evidence.made("queue.cancelTask") if e["taskId"] == task and e["n"] < call["n"]]
        read = next((e for e in reversed(reads) if e["taskId"] in (None, task) and before - e["unix"] < 2), None)
        if read is None or (earlier and earlier[-1] > read["n"]):
            yield f"S5: cancelTask of {task} without a status read directly before it"
            continue
        last = evidence.last(task, read["unix"] + 1e-6)
        state = evidence.at(task, last, read["unix"] + 1e-6)
        if state is None or state["state"] not in OPEN:
            yield f"S5: cancelTask of {task} after a read that showed run {last} resolved"


def _stops(evidence: Evidence, by_people: Collection[str]) -> Iterable[str]:
    for key, requests in evidence.requests.items():
        task, _, number = key.partition("/")
        for request in requests:
            if request["results"] != CANCELLED or key in by_people:
                continue
            when = request["complete_at"] + 1  # whole seconds, rounded down
            run = evidence.holder(task, int(number), when)
            state = evidence.at(task, run, when)
            own = run != int(number) and f"{task}/{run}" in evidence.requests
            if state is not None and state["state"] in OPEN and not own:
                yield f"S7: the request of {key} was cancelled while run {run} was {state['state']}"


def _uploads(evidence: Evidence) -> Iterable[str]:
    for task in evidence.tasks:
        for run in range(len(evidence.runs(task))):
            mine = [call for call in evidence.calls if (call["taskId"], call["runId"]) == (task, run)]
            told = [e["n"] for e in mine if e["api"] in ("queue.reportCompleted", "queue.reportFailed") and e["done"] == 200]
            late = [e["path"] for e in mine if told and e["api"] == "queue.createArtifact" and e["n"] > told[0]]
            if late:
                yield f"S9: artifacts of {task}/{run} after its report: {late}"
