"""Values that the tests of the core start from: one task, its runs, phases, statuses and states."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bridge.core.events import RequestSeen, TaskSeen
from bridge.core.request import BuildState, RequestState
from bridge.core.rules import Rules
from bridge.core.run import (
    BuildId,
    Building,
    Claim,
    Facts,
    Phase,
    Queued,
    Refused,
    Reporting,
    Request,
    RequestId,
    Run,
    RunId,
    RunKey,
    Settled,
    Stopping,
    TaskId,
    Wanted,
    Worker,
)
from bridge.core.status import RunState, RunStatus, TaskStatus
from bridge.core.verdict import Resolution, Verdict

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
TASK = TaskId("fN1SbArXTPSVFUUvaOlinQ")
GROUP = "our-bridge"
RULES = Rules(GROUP)
WORKER = Worker(GROUP, "linux-1")
OTHER = Worker("somebody", "else")
DEADLINE = AT + timedelta(hours=3)
EXPIRES = AT + timedelta(days=30)
CLAIM = Claim(AT + timedelta(minutes=20), AT + timedelta(minutes=7))
REQUEST = Request(RequestId(7), RunId(0))
BUILD = BuildId(70)
FACTS = Facts("group", "scheduler", "none", "low", AT, DEADLINE, EXPIRES)
GOOD = Verdict(Resolution.COMPLETED, "the build succeeded", 0)


def after(seconds: float = 0, minutes: float = 0) -> datetime:
    return AT + timedelta(seconds=seconds, minutes=minutes)


def a_run(phase: Phase, number: int = 0, **changes: object) -> Run:
    run = Run(RunKey(TASK, RunId(number)), "linux", phase, AT + timedelta(hours=1), AT, FACTS, "release-linux")
    return replace(run, **changes)


WANTED = Wanted()
QUEUED = Queued(REQUEST, priority="low")
BUILDING = Building(REQUEST, BUILD, WORKER)
CLAIMED = Building(REQUEST, BUILD, WORKER, CLAIM)
REPORTING = Reporting(REQUEST, BUILD, WORKER, GOOD, AT, CLAIM)
REFUSED = Refused(RULES.own_worker, "the builder is unknown")
STOPPING = Stopping(REQUEST, "resolved as canceled", AT)
SETTLED = Settled("completed", REQUEST, BUILD)


def run_status(state: str = "pending", why: str = "scheduled", reason: str | None = None, **more: object) -> RunStatus:
    status = RunStatus(RunState(state), why, AT, reason_resolved=reason)
    return replace(status, **more)


def running(worker: Worker = WORKER, until: datetime = CLAIM.taken_until, why: str = "scheduled") -> RunStatus:
    return run_status("running", why, worker=worker, taken_until=until)


def resolved(reason: str, why: str = "scheduled", worker: Worker | None = WORKER) -> RunStatus:
    state = reason if reason in ("completed", "failed") else "exception"
    return run_status(state, why, reason, worker=worker, taken_until=CLAIM.taken_until if worker else None, resolved=AT)


def task(*runs: RunStatus, priority: str = "low", retries: int = 5) -> TaskStatus:
    state = runs[-1].state.value if runs else "unscheduled"
    return TaskStatus(TASK, "pool/linux", "scheduler", "none", "group", priority, DEADLINE, EXPIRES, retries, state, runs)


def seen(*runs: RunStatus, at: datetime = AT, priority: str = "low") -> TaskSeen:
    return TaskSeen(at, task(*runs, priority=priority), RULES)


def build(number: int = 70, results: int | None = None, worker: str = "linux-1") -> BuildState:
    complete = None if results is None else AT
    return BuildState(number, 1, 1, worker, AT, complete, results, None, "building")


def state(
    *builds: BuildState, results: int | None = None, request: int = 7, key: str = f"{TASK}/0", **changes: object
) -> RequestState:
    done = results is not None
    value = RequestState(request, key, bool(builds), done, results, AT if done else None, AT, 2, False, builds)
    return replace(value, **changes)


def told(*builds: BuildState, at: datetime = AT, rules: Rules = RULES, **changes: object) -> RequestSeen:
    return RequestSeen(at, state(*builds, **changes), rules)
