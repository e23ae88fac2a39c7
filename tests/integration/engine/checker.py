"""Judges what happened, from the outside alone: the double's journal and history, and Buildbot's own tables.

It shares no code with the bridge and believes nothing that the bridge says of itself. The letters are the invariants:

S1  one request per run; two open ones of a task only while the older run is resolved
S3  a claim only of a run whose request has a build, or in the bridge's own name; one identity per run
S4  the verdict is what Buildbot says of the request that the run holds, and it is told once, on one run only
S5  cancelTask only directly after a status read that shows the run last and unresolved; rerunTask never
S7  no cancel of a request that an unresolved run holds or may adopt
S9  artifacts before the report
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.sandbox.buildbot import BuildbotSandbox

GROUP = "bridge"
OWN = "buildbot-bridge"
OPEN = ("pending", "running")
HANDED = ("intermittent-task", "claim-expired")
RETRIES = ("retry", "task-retry")
# Buildbot's results and the resolutions they may have; SKIPPED without a build is told apart in `_fits`.
VERDICTS: dict[int, set[str]] = {0: {"completed"}, 1: {"completed"}, 2: {"failed"}, 3: {"completed"}, 4: {"internal-error"},
                                 6: {"worker-shutdown", "canceled"}}  # fmt: skip
Json = dict[str, Any]


@dataclass(frozen=True)
class Seen:
    """How far Buildbot's tables were when the test began."""

    buildset: int
    request: int


@dataclass
class Evidence:
    journal: list[Json]
    history: list[Json]
    tasks: dict[str, Json]
    plugin: Sequence[Any]
    requests: dict[str, list[Json]] = field(default_factory=dict)
    """By key, rebuilds not counted; each with its `builds`."""

    def runs(self, task: str) -> list[Json]:
        return self.tasks[task]["status"]["runs"] if task in self.tasks else []  # a task can expire

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
            if (
                run == 0
                or run >= len(runs)
                or runs[run]["reasonCreated"] not in RETRIES
                or runs[run - 1].get("reasonResolved") not in HANDED
            ):
                return None
            run -= 1


# --- gathering


async def newest(buildbot: BuildbotSandbox) -> Seen:
    sets = (await buildbot.rest("buildsets?order=-bsid&limit=1"))["buildsets"]
    requests = (await buildbot.rest("buildrequests?order=-buildrequestid&limit=1"))["buildrequests"]
    return Seen(sets[0]["bsid"] if sets else 0, requests[0]["buildrequestid"] if requests else 0)


async def gather(
    root: str, buildbot: BuildbotSandbox, http: aiohttp.ClientSession, plugin: Sequence[Any], seen: Seen
) -> Evidence:
    journal, history = await _all(http, root, "journal", "entries"), await _all(http, root, "history", "transitions")
    async with http.get(f"{root}/control/tasks") as answer:
        tasks = {each["status"]["taskId"]: each for each in (await answer.json())["tasks"]}
    evidence = Evidence(journal, history, tasks, plugin)
    sets = (await buildbot.rest(f"buildsets?bsid__gt={seen.buildset}"))["buildsets"]
    requests = (await buildbot.rest(f"buildrequests?buildrequestid__gt={seen.request}"))["buildrequests"]
    builds = (await buildbot.rest(f"builds?buildrequestid__gt={seen.request}"))["builds"]
    for each in sets:
        if each["external_idstring"] and each.get("rebuilt_buildid") is None:
            mine = [r for r in requests if r["buildsetid"] == each["bsid"]]
            for request in mine:
                of_it = [b for b in builds if b["buildrequestid"] == request["buildrequestid"]]
                request["builds"] = sorted(of_it, key=lambda b: b["buildid"])
            evidence.requests.setdefault(each["external_idstring"], []).extend(mine)
    return evidence


async def _all(http: aiohttp.ClientSession, root: str, window: str, name: str) -> list[Json]:
    found: list[Json] = []
    since = 0
    while True:
        async with http.get(f"{root}/control/{window}?since={since}") as answer:
            page = await answer.json()
        if not page[name]:
            return found
        found += page[name]
        since = page["next"]


async def tidy(buildbot: BuildbotSandbox, evidence: Evidence) -> None:
    """End what a test left open in the shared master."""
    for request in (r for requests in evidence.requests.values() for r in requests if not r["complete"]):
        await buildbot.control(f"buildrequests/{request['buildrequestid']}", "cancel", reason="the test is over")


def told(evidence: Evidence) -> list[str]:
    """What happened outside, a line each, for people who look for the cause of a failure."""
    calls = [
        (e["unix"], f"{e['taskId']}/{e['runId']} {e['api']} {e['status']}/{e['done']} {e['client']}")
        for e in evidence.journal
    ]
    calls += [(c.begun, f"plugin {c.method} {c.path.split('/v1/')[-1]} {c.status}") for c in evidence.plugin]
    calls += [(t["unix"], f"{t['taskId']}/{t['runId']} is {t['state']} {t['reason'] or ''}") for t in evidence.history]
    return [f"{when % 1000:7.3f}     {what}" for when, what in calls]


# --- judging


def judge(evidence: Evidence, allowed: dict[int, set[str]] | None = None) -> list[str]:
    """Everything that was wrong, in words; empty when nothing was."""
    verdicts = {**VERDICTS, **(allowed or {})}
    return [
        *_single_requests(evidence),
        *_claims(evidence),
        *(wrong for task in evidence.tasks for wrong in _verdicts(evidence, task, verdicts)),
        *_cancels_of_tasks(evidence),
        *_stops(evidence),
        *_uploads(evidence),
    ]


def _ours(evidence: Evidence, *apis: str) -> list[Json]:
    return [e for e in evidence.journal if e["client"] != "admin" and e["api"] in apis]


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
    for call in _ours(evidence, "queue.claimTask"):
        if call["client"] not in ("bridge", None):
            continue
        identities.setdefault((call["taskId"], call["runId"]), set()).add((call["workerGroup"], call["workerId"]))
        request = evidence.request_for(call["taskId"], call["runId"])
        started = request is not None and any(b["started_at"] <= call["unix"] + 1 for b in request["builds"])
        if not started and call["workerId"] != OWN:
            yield f"S3: {call['taskId']}/{call['runId']} was claimed before a build of its request started"
    for key, who in identities.items():
        if len(who) > 1:
            yield f"S3: {key} was claimed under {sorted(who)}"


def _told(evidence: Evidence, task: str, run: int) -> set[str]:
    """The resolutions that the bridge caused, or tried to cause and may have caused."""
    words = {"queue.reportCompleted": "completed", "queue.reportFailed": "failed"}
    calls = _ours(evidence, "queue.reportCompleted", "queue.reportFailed", "queue.reportException")
    return {
        words.get(call["api"]) or str(call.get("reason"))
        for call in calls
        if (call["taskId"], call["runId"], call["done"]) == (task, run, 200)
    }


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
        if not any(build["results"] == 5 for build in request["builds"]):
            yield f"S4: {key} is intermittent-task, but no build ended RETRY"
    elif not request["complete"]:
        yield f"S4: {key} was told {word} while request {request['buildrequestid']} is open"
    else:
        collapsed = request["results"] == 3 and not request["builds"]
        right = {"internal-error"} if collapsed else verdicts.get(request["results"], {"internal-error"})
        if word not in right:
            yield f"S4: {key} was told {word} for result {request['results']}"


def _cancels_of_tasks(evidence: Evidence) -> Iterable[str]:
    for call in _ours(evidence, "queue.rerunTask"):
        yield f"S5: rerunTask of {call['taskId']}"
    for call in _ours(evidence, "queue.cancelTask"):
        task, before = call["taskId"], call["unix"]
        reads = [e for e in _ours(evidence, "queue.status", "queue.statuses") if e["n"] < call["n"] and e["done"] == 200]
        earlier = [e["n"] for e in _ours(evidence, "queue.cancelTask") if e["taskId"] == task and e["n"] < call["n"]]
        read = next((e for e in reversed(reads) if e["taskId"] in (None, task) and before - e["unix"] < 2), None)
        if read is None or (earlier and earlier[-1] > read["n"]):
            yield f"S5: cancelTask of {task} without a status read directly before it"
            continue
        last = evidence.last(task, read["unix"] + 1e-6)
        state = evidence.at(task, last, read["unix"] + 1e-6)
        if state is None or state["state"] not in OPEN:
            yield f"S5: cancelTask of {task} after a read that showed run {last} resolved"


def _stops(evidence: Evidence) -> Iterable[str]:
    for call in evidence.plugin:
        if not call.path.endswith("/cancel"):
            continue
        task, number = call.path.split("/")[-3:-1]
        if task not in evidence.tasks:
            continue  # the queue does not know it
        run = evidence.holder(task, int(number), call.begun)
        state = evidence.at(task, run, call.begun)
        own = run != int(number) and f"{task}/{run}" in evidence.requests
        foreign = state is not None and state["state"] == "running" and state["workerGroup"] != GROUP
        if state is not None and state["state"] in OPEN and not own and not foreign:
            yield f"S7: the request of {task}/{number} was cancelled while run {run} was {state['state']}"


def _uploads(evidence: Evidence) -> Iterable[str]:
    for task in evidence.tasks:
        for run in range(len(evidence.runs(task))):
            calls = [e for e in evidence.journal if (e["taskId"], e["runId"]) == (task, run) and e["client"] != "admin"]
            told = [
                e["n"] for e in calls if e["api"] in ("queue.reportCompleted", "queue.reportFailed") and e["done"] == 200
            ]
            late = [e["path"] for e in calls if told and e["api"] == "queue.createArtifact" and e["n"] > told[0]]
            if late:
                yield f"S9: artifacts of {task}/{run} after its report: {late}"
