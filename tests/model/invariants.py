"""What must hold in every state, as far as it can be seen here; each returns what is wrong, or None."""

from bridge.core import verdict
from bridge.core.commands import Report
from bridge.core.debts import due_at
from bridge.core.run import Queued, Refused, Reporting, Run, Settled, Stopping, Wanted, claim_of, request_of
from bridge.core.status import RunState
from bridge.core.verdict import Results
from tests.model.ports import Call
from tests.model.replica import Evidence, Work
from tests.model.values import Requests, Rows, Task, by_number
from tests.unit.core.queue_automaton import OPEN
from tests.unit.core.samples import RULES

RETRIED = {"intermittent-task", "claim-expired"}
RETRY = {"task-retry", "retry"}


def rows_changed(before: Rows, after: Rows, *, lost: bool) -> str | None:
    """S1, S4, S6: rows move along the diagram, verdicts and identities stay, no request has two holders."""
    old = by_number(before)
    for run in after:
        wrong = _moved(old.get(run.key.run_id), run, lost=lost)
        if wrong:
            return wrong
    holders = [held.id for run in after if not _over(run) and (held := request_of(run)) is not None]
    return "S1: two runs hold one request" if len(holders) != len(set(holders)) else None


def _over(run: Run) -> bool:
    return isinstance(run.phase, Settled | Stopping)


def _moved(before: Run | None, run: Run, *, lost: bool) -> str | None:
    if (due_at(run) is None) != isinstance(run.phase, Settled):
        return f"L8: {run.key} owes nothing and is not settled"
    if before is None or before == run:
        return None
    if isinstance(before.phase, Settled):
        return f"S6: settled run {run.key} lives again"
    match before.phase, run.phase:
        case Reporting(verdict=was), Reporting(verdict=now) if was != now:
            return "S4: a verdict was written twice"
    return None if lost else _kept(before, run)


def _kept(before: Run, run: Run) -> str | None:
    old, new = claim_of(before), claim_of(run)
    if old is not None and new is not None and new.taken_until < old.taken_until:
        return "S6: a claim shrank"
    held, holds = request_of(before), request_of(run)
    own_again = isinstance(before.phase, Queued) and isinstance(run.phase, Wanted)
    if held is not None and held != holds and not own_again:
        return "S1: a run changed its request"
    was, now = getattr(before.phase, "worker", None), getattr(run.phase, "worker", None)
    if was is not None and was != now and not isinstance(run.phase, Settled | Stopping | Wanted):
        return "S3: a run changed its identity"
    return None


def open_requests(requests: Requests, rows: Rows) -> str | None:
    """S1: two open requests only while the older one's row is being stopped."""
    stopping = {_stopped(run) for run in rows if isinstance(run.phase, Stopping)} | requests.stops
    left = [number for number, state in requests.requests if not state.complete and number not in stopping]
    return f"S1: the requests of runs {left} are open, and none is being stopped" if len(left) > 1 else None


def unheld(requests: Requests, rows: Rows) -> list[int]:
    """L3: open requests that no row holds, or may hold, and whose end nobody has asked for."""
    held = {_stopped(run) for run in rows if not isinstance(run.phase, Settled)} | requests.stops
    return [number for number, state in requests.requests if not state.complete and number not in held]


def _stopped(run: Run) -> int:
    request = request_of(run)
    return request.created_for if request else run.key.run_id


def claim_sent(call: Call, work: Work, task: Task, requests: Requests, *, lost: bool) -> str | None:
    """S3: a build has begun, or the request ended without one, or the run is refused; under one identity."""
    run = work.run
    if run is None or isinstance(run.phase, Wanted | Stopping | Settled):
        return "S3: a claim without a build or a refusal"
    if not isinstance(run.phase, Refused):
        state = _state(requests, request_of(run).id)
        if not lost and state is not None and not (state.builds or state.complete):
            return "S3: a claim before a build has begun"
    number, worker = call.args
    seen = task.runs[number]
    if not lost and seen.state is RunState.RUNNING and seen.worker.group == RULES.worker_group and seen.worker != worker:
        return "S3: claimed again under another identity"
    return None


def report_sent(call: Call, work: Work, task: Task, requests: Requests, *, admitted: bool) -> str | None:
    """S4, S8: what is told is what the held request came to, or that a build of it ended RETRY; once."""
    number, resolution = call.args
    if task.runs[number].state is not RunState.RUNNING or number != len(task.runs) - 1:
        return None  # it resolves nothing
    if resolution is None:
        return None if not admitted else "S8: an admitted task was called malformed"
    assert isinstance(work.command, Report)
    return _verdict(work.command, requests) or _once(work.command, task)


def _verdict(command: Report, requests: Requests) -> str | None:
    state = _state(requests, command.request.id)
    written = command.verdict
    if state is None:
        fit = written in (verdict.LOST, verdict.RETRIED)  # a retry may have been seen before it was lost
        return None if fit else "S4: a verdict on a request that Buildbot does not know"
    if written == verdict.RETRIED:
        ended = [build.results for build in state.builds if build.build_id == command.build]
        return None if ended == [Results.RETRY] else "S4: a retry was told that did not happen"
    if not state.complete:
        return "S4: a verdict on a request that is open"
    ending = verdict.Ending(state.results, bool(state.builds), state.master_shutdown)
    return None if written == verdict.of(ending, RULES.results) else f"S4: {written} is not what {ending} means"


def _once(command: Report, task: Task) -> str | None:
    what = ("build", command.build) if command.verdict == verdict.RETRIED else ("request", command.request.id)
    return f"S4: the end of {what} was reported on two runs" if what in task.told else None


def cancel_task_sent(work: Work, evidence: Evidence, task: Task, requests: Requests) -> str | None:
    """S5: only directly after a read that shows the run last and unresolved, one call per read."""
    run = work.run
    if run is None or not isinstance(work.command, Report):
        return "S5: a task was cancelled without a verdict"
    if evidence.used or evidence.runs != run.key.run_id + 1 or evidence.last not in OPEN:
        return "S5: a task was cancelled without a read that shows the run last and unresolved"
    return _verdict(work.command, requests) if task.runs[-1].state in OPEN else None


def passed_over(number: int, task: Task, requests: Requests) -> str | None:
    """S1: no second build where the request of an earlier run passes to this one."""
    made, heir = dict(requests.requests), number
    while heir > 0 and heir not in made and task.runs[heir].reason_created in RETRY and _ours(task, heir - 1):
        if task.runs[heir - 1].reason_resolved not in RETRIED:
            return None
        heir -= 1
    state = made.get(heir) if heir < number else None
    left = state is not None and not state.complete and heir not in requests.stops
    return f"S1: a second build is asked for, though the request of run {heir} passes to run {number}" if left else None


def submit_sent(call: Call, evidence: Evidence, *, admitted: bool, twice: bool) -> str | None:
    """S1, S2: the run existed, was last and pending when the submit was decided, the task admitted; one request per run."""
    if twice:
        return "S1: a second request for one run"
    fit = evidence.runs == call.args[0] + 1 and evidence.last is RunState.PENDING
    return None if fit and admitted else "S2: a build was asked for that nobody wants"


def cancel_sent(call: Call, task: Task, requests: Requests, rows: Rows) -> str | None:
    """S7: nobody unresolved holds the request, nor may adopt it."""
    number = call.args[0]
    made = dict(requests.requests)
    if number not in made or made[number].complete:
        return None
    if any(_wants(task, run.key.run_id) for run in rows if not _over(run) and request_of(run) and _made_for(run) == number):
        return "S7: a build was stopped though the run that holds it is wanted"
    heir = number
    while heir + 1 < len(task.runs) and task.runs[heir].reason_resolved in RETRIED:
        followed = task.runs[heir + 1].reason_created in RETRY and _ours(task, heir)
        if not followed or heir + 1 in made:
            return None
        heir += 1
    return "S7: a build was stopped that an unresolved run holds or may adopt" if _wants(task, heir) else None


def _wants(task: Task, number: int) -> bool:
    seen = task.runs[number] if number < len(task.runs) else None
    return seen is not None and seen.state in OPEN and _ours(task, number)


def _ours(task: Task, number: int) -> bool:
    """Whether nobody, or this bridge, claimed the run; somebody else's is not ours to save."""
    worker = task.runs[number].worker
    return worker is None or worker.group == RULES.worker_group


def _made_for(run: Run) -> int:
    request = request_of(run)
    return request.created_for if request else -1


def _state(requests: Requests, number: int):
    return next((state for _, state in requests.requests if state.request_id == number), None)
