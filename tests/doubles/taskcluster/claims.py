"""claimTask, reclaimTask and claimWork: who holds a run, until when, and with which credentials."""

from dataclasses import dataclass
from typing import Any

from tests.doubles.taskcluster import errors, messages
from tests.doubles.taskcluster.credentials import Issuer
from tests.doubles.taskcluster.identifiers import new_incident
from tests.doubles.taskcluster.instants import offset, to_milliseconds, unix, zulu
from tests.doubles.taskcluster.ledger import Ledger
from tests.doubles.taskcluster.model import PRIORITIES, ClaimRow, Run, Task


@dataclass(frozen=True, slots=True)
class Claimant:
    """The identity a worker claims under."""

    group: str
    id: str


def refuse_late(task: Task, now: int, verb: str, word: str = "of") -> None:
    """Refuse what is not done past the deadline, by the clock, whether or not the resolver came."""
    if task.deadline <= now:
        raise errors.conflict(f"Task `{task.task_id}` can't be {verb} past its deadline {word} {zulu(task.deadline)}.")


def claim(ledger: Ledger, issuer: Issuer, task: Task, run_id: int, who: Claimant, now: int) -> dict[str, Any]:
    """Claim a run; a repeat by its holder answers fresh credentials and leaves takenUntil."""
    refuse_late(task, now, "claimed")
    if ledger.is_quarantined(task.queue_id, who.group, who.id, now):
        raise errors.internal(new_incident())
    until = _file(ledger, task, run_id, who, now)
    run = ledger.run(task, run_id)
    if run.state == "pending":
        ledger.take_run(task, run, who.group, who.id, until, now)
    elif not _held_by(task, run, who) or run.by_claim_work:
        raise errors.conflict(f"Run {run_id} was already claimed by another worker.")
    ledger.publish(messages.task_running(now, task, run))
    ledger.drop_pending(task, run_id)
    return _claim_answer(issuer, task, run, until, now)


def _file(ledger: Ledger, task: Task, run_id: int, who: Claimant, now: int) -> int:
    """Leave the row that every attempt leaves, refused ones included; answer its takenUntil."""
    moment = to_milliseconds(now)
    until = moment + ledger.periods.claim
    ledger.file_claim(task.queue_id, ClaimRow(task.task_id, run_id, who.group, who.id, moment, until))
    return until


def _held_by(task: Task, run: Run, who: Claimant) -> bool:
    return run is task.runs[-1] and run.state == "running" and (run.worker_group, run.worker_id) == (who.group, who.id)


def _claim_answer(issuer: Issuer, task: Task, run: Run, good_until: int, now: int) -> dict[str, Any]:
    assert run.taken_until is not None
    answer = _answer(issuer, task, run, good_until, now)
    return answer | {"takenUntil": offset(run.taken_until), "task": task.definition}


def _answer(issuer: Issuer, task: Task, run: Run, good_until: int, now: int) -> dict[str, Any]:
    assert run.taken_until is not None
    return {
        "status": task.status(),
        "runId": run.run_id,
        "workerGroup": run.worker_group,
        "workerId": run.worker_id,
        "takenUntil": zulu(run.taken_until),
        "credentials": run_credentials(issuer, task, run, good_until, now),
    }


def run_credentials(issuer: Issuer, task: Task, run: Run, good_until: int, now: int) -> dict[str, str]:
    """Make the credentials bound to one run; they also carry the task's own scopes."""
    name = f"task-client/{task.task_id}/{run.run_id}/on/{run.worker_group}/{run.worker_id}/until/{unix(good_until)}"
    bound = [f"queue:{verb}-task:{task.task_id}/{run.run_id}" for verb in ("reclaim", "resolve")]
    uploads = f"queue:create-artifact:{task.task_id}/{run.run_id}"
    return issuer.issue(name, [*bound, uploads, *task.definition["scopes"]], now, good_until)


def reclaim(ledger: Ledger, issuer: Issuer, task: Task, run_id: int, now: int) -> dict[str, Any]:
    """Renew the claim of a running run: the only call that moves takenUntil."""
    run = ledger.run(task, run_id)
    refuse_late(task, now, "reclaimed")
    if run.worker_group is None or run.worker_id is None:
        raise errors.internal(new_incident())  # the real queue cannot file the row of a run without a worker
    until = _file(ledger, task, run_id, Claimant(run.worker_group, run.worker_id), now)
    if run is not task.runs[-1] or run.state != "running":
        raise errors.conflict(f"Run {run_id} on task `{task.task_id}` is resolved or not running.")
    run.taken_until = until
    ledger.see_worker(task.queue_id, run.worker_group, run.worker_id, now)
    return _answer(issuer, task, run, until, now)


def claim_work(ledger: Ledger, issuer: Issuer, queue_id: str, who: Claimant, count: int, now: int) -> list[dict[str, Any]]:
    """Claim what is pending, highest priority first, then oldest; a quarantined worker gets nothing."""
    ledger.see_worker(queue_id, who.group, who.id, now)
    if ledger.is_quarantined(queue_id, who.group, who.id, now):
        return []
    return [_hand_out(ledger, issuer, task, run, who, now) for task, run in _best(ledger, queue_id, count, now)]


def _best(ledger: Ledger, queue_id: str, count: int, now: int) -> list[tuple[Task, Run]]:
    waiting = []
    for row in ledger.pending[queue_id].values():
        task = ledger.tasks[row.task_id]
        run = task.runs[row.run_id]
        if run.state == "pending" and task.deadline > now:
            waiting.append((-PRIORITIES.index(task.priority), row.inserted, task, run))
    waiting.sort(key=lambda entry: entry[:2])
    return [(task, run) for _, _, task, run in waiting[:count]]


def _hand_out(ledger: Ledger, issuer: Issuer, task: Task, run: Run, who: Claimant, now: int) -> dict[str, Any]:
    until = _file(ledger, task, run.run_id, who, now)
    ledger.take_run(task, run, who.group, who.id, until, now)
    run.by_claim_work = True
    ledger.publish(messages.task_running(now, task, run))
    ledger.drop_pending(task, run.run_id)
    return _claim_answer(issuer, task, run, until, now)
