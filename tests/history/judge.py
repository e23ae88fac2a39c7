"""What must never happen, whatever the faults."""

from collections.abc import Collection, Iterable

from tests.history.evidence import OPEN, Evidence, Json

CANCELLED, RETRY, SKIPPED = 6, 5, 3
MOST_RUNS = 50
# Buildbot's results and the resolutions they may have; SKIPPED without a build is told apart in `_right`.
VERDICTS: dict[int, set[str]] = {0: {"completed"}, 1: {"completed"}, 2: {"failed"}, 3: {"completed"}, 4: {"internal-error"},
                                 6: {"worker-shutdown", "canceled"}}  # fmt: skip
REPORTS = {"queue.reportCompleted": "completed", "queue.reportFailed": "failed", "queue.reportException": ""}
NOT_FINAL = ("intermittent-task", "worker-shutdown", "malformed-payload")


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
        *_inventions(evidence),
        *_claims(evidence),
        *(wrong for task in evidence.tasks for wrong in _verdicts(evidence, task, verdicts)),
        *_cancels_of_tasks(evidence),
        *(_stops_asked(evidence) if evidence.cancels is not None else _stops_seen(evidence, cancelled_by_people)),
        *_uploads(evidence),
        *_bounds(evidence),
    ]


def _single_requests(evidence: Evidence) -> Iterable[str]:
    for key, requests in evidence.requests.items():
        if len(requests) > 1:
            yield f"S1: {key} has requests {[r['buildrequestid'] for r in requests]}"
    for task in evidence.tasks:
        open_runs = [n for n in range(len(evidence.runs(task))) if _has_open_request(evidence, f"{task}/{n}")]
        held = [n for n in open_runs[:-1] if evidence.runs(task)[n]["state"] in OPEN]
        if held:
            yield f"S1: {task} has open requests of runs {open_runs}, of which {held} are unresolved"


def _has_open_request(evidence: Evidence, key: str) -> bool:
    return any(not request["complete"] for request in evidence.requests.get(key, []))


def _inventions(evidence: Evidence) -> Iterable[str]:
    """A submit decided on a read of the run as pending; the read comes first, so the run existed before the request."""
    for key, requests in evidence.requests.items():
        task, _, number = key.partition("/")
        if task not in evidence.tasks:
            continue  # the queue has forgotten it, or never knew it
        for request in requests:
            when = request.get("submitted_at")
            if when is not None and evidence.at(task, int(number), when + evidence.grain) is None:
                yield f"S2: {key} had no run when its request {request['buildrequestid']} was made"


def _claims(evidence: Evidence) -> Iterable[str]:
    identities: dict[tuple[str, int], set[tuple[str, str]]] = {}
    for call in evidence.made("queue.claimTask"):
        identities.setdefault((call["taskId"], call["runId"]), set()).add((call["workerGroup"], call["workerId"]))
        request = evidence.request_for(call["taskId"], call["runId"])
        # Buildbot rounds its times down, so a start may look earlier than it was, never later.
        started = request is not None and any(b["started_at"] <= call["unix"] for b in request["builds"])
        unbuilt = request is not None and not request["builds"] and request["results"] in (SKIPPED, CANCELLED)
        if not started and not unbuilt and call["workerId"] != evidence.own:
            yield f"S3: {call['taskId']}/{call['runId']} was claimed before a build of its request started"
    for (task, run), who in identities.items():
        if len(who) > 1:
            yield f"S3: {task}/{run} was claimed under {sorted(who)}"


def _told(evidence: Evidence, task: str, run: int) -> set[str]:
    """The resolutions that the bridge caused."""
    done = (call for call in evidence.of_run(task, run, *REPORTS) if call["done"] == 200)
    return {REPORTS[call["api"]] or call.get("reason", "?") for call in done}


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
            if wrong := _misfit(word, request, verdicts):
                yield f"S4: {task}/{run} {wrong}"
            if request is not None and word not in NOT_FINAL:
                final.setdefault(request["buildrequestid"], []).append(run)
    for number, runs in final.items():
        if len(runs) > 1:
            yield f"S4: the result of request {number} was told for runs {runs} of {task}"


def _misfit(word: str, request: Json | None, verdicts: dict[int, set[str]]) -> str | None:
    """What is wrong with a verdict, seen beside the request that the run held."""
    if word == "malformed-payload":
        return f"is malformed-payload and has request {request['buildrequestid']}" if request else None
    if request is None:
        return f"was told {word} without any request"
    if word == "intermittent-task":
        # A master that is killed between a build's end and its request's builds the request again, and marks no build RETRY.
        again = len(request["builds"]) > 1 or any(build["results"] == RETRY for build in request["builds"])
        return None if again else "is intermittent-task, but Buildbot did not build again"
    if not request["complete"]:
        return f"was told {word} while request {request['buildrequestid']} is open"
    return None if word in _right(request, verdicts) else f"was told {word} for result {request['results']}"


def _right(request: Json, verdicts: dict[int, set[str]]) -> set[str]:
    collapsed = request["results"] == SKIPPED and not request["builds"]
    return {"internal-error"} if collapsed else verdicts.get(request["results"], {"internal-error"})


def _cancels_of_tasks(evidence: Evidence) -> Iterable[str]:
    for call in evidence.made("queue.rerunTask"):
        yield f"S5: rerunTask of {call['taskId']}"
    calls = evidence.made("queue.cancelTask")
    reads = [call for call in evidence.made("queue.status", "queue.statuses") if call["done"] == 200] if calls else []
    for call in calls:
        if wrong := _unfounded(evidence, call, calls, reads):
            yield f"S5: cancelTask of {call['taskId']} {wrong}"


def _unfounded(evidence: Evidence, call: Json, cancels: list[Json], reads: list[Json]) -> str | None:
    task = call["taskId"]
    # A call that took long has a higher number than reads that others made meanwhile; those came after it all the same.
    before = [e for e in reads if e["n"] < call["n"] and e["taskId"] in (None, task)]
    own = [e for e in before if 0 <= call["unix"] - e["unix"] < evidence.read_within]
    earlier = [e["n"] for e in cancels if e["taskId"] == task and e["n"] < call["n"]]
    if not own or (earlier and earlier[-1] > own[-1]["n"]):
        return "without a status read directly before it"
    when = own[-1]["unix"] + 1e-6
    state = evidence.at(task, evidence.last(task, when), when)
    return None if state is not None and state["state"] in OPEN else "after a read that showed its last run resolved"


def _stops_asked(evidence: Evidence) -> Iterable[str]:
    for cancel in evidence.cancels or ():
        if wrong := _wanted(evidence, cancel.key, cancel.unix):
            yield f"S7: the request of {cancel.key} was cancelled while {wrong}"


def _stops_seen(evidence: Evidence, by_people: Collection[str]) -> Iterable[str]:
    ended = ((key, request) for key, requests in evidence.requests.items() for request in requests)
    for key, request in ended:
        if request["results"] == CANCELLED and key not in by_people:
            wrong = _wanted(evidence, key, request["complete_at"] + evidence.grain)
            if wrong:
                yield f"S7: the request of {key} was cancelled while {wrong}"


def _wanted(evidence: Evidence, key: str, when: float) -> str | None:
    """Why the request made under a key was still wanted then; None if it was not."""
    task, _, number = key.partition("/")
    run = evidence.holder(task, int(number), when)
    state = evidence.at(task, run, when)
    if task not in evidence.tasks or state is None or state["state"] not in OPEN:
        return None  # the queue does not know it (any more), or the run is resolved
    has_its_own = run != int(number) and f"{task}/{run}" in evidence.requests
    # Somebody else's claim ends the request, though it may run out before the cancel is there.
    claimed = [each.get("workerGroup") for each in evidence.runs(task)[int(number) : run + 1]]
    foreign = evidence.group is not None and any(group not in (None, evidence.group) for group in claimed)
    return None if has_its_own or foreign else f"run {run} was {state['state']}"


def _uploads(evidence: Evidence) -> Iterable[str]:
    for task in evidence.tasks:
        for run in range(len(evidence.runs(task))):
            reports = evidence.of_run(task, run, "queue.reportCompleted", "queue.reportFailed")
            told = [call["n"] for call in reports if call["done"] == 200]
            late = [c["path"] for c in evidence.of_run(task, run, "queue.createArtifact") if told and c["n"] > told[0]]
            if late:
                yield f"S9: artifacts of {task}/{run} after its report: {late}"


def _bounds(evidence: Evidence) -> Iterable[str]:
    for task in evidence.tasks:
        if len(evidence.runs(task)) > MOST_RUNS:
            yield f"S12: {task} has {len(evidence.runs(task))} runs"
