"""How runs end by a call: reportCompleted, reportFailed, reportException, cancelTask."""

from typing import Any

from tests.doubles.taskcluster import errors, messages
from tests.doubles.taskcluster.claims import refuse_late
from tests.doubles.taskcluster.ledger import Ledger
from tests.doubles.taskcluster.model import MAX_RUNS, Run, Task

RETRIED_AS = {"worker-shutdown": "retry", "intermittent-task": "task-retry", "claim-expired": "retry"}
REASONS = ("worker-shutdown", "malformed-payload", "resource-unavailable", "internal-error", "intermittent-task")


def report(ledger: Ledger, task: Task, run_id: int, verdict: str, now: int) -> dict[str, Any]:
    """Resolve a running run as completed or failed; the same verdict again is fine while the run is the last one."""
    run = ledger.run(task, run_id)
    if run.state not in ("running", verdict):
        raise errors.conflict(f"Run {run_id} of task `{task.task_id}` is not running or {verdict}.")
    if run is not task.runs[-1]:
        raise errors.conflict(f"Run {run_id} on task `{task.task_id}` is resolved or not running.")
    if run.state == "running":
        ledger.resolve_run(task, run, verdict, verdict, now)
    ledger.drop_claims(task, run_id)
    ledger.note_resolution(task)
    ledger.publish(messages.task_resolved(now, f"task-{verdict}", task, run))
    return {"status": task.status()}


def report_exception(ledger: Ledger, task: Task, run_id: int, reason: str, now: int) -> dict[str, Any]:
    """Resolve a running run as exception, with a new run where the reason asks for one and retries are left.

    A repeat is answered 200 while at most one newer run exists. If that run was claimed meanwhile, the repeat tells
    the dependency resolver that the task is resolved, which it is not: measured on the real queue.
    """
    run = ledger.run(task, run_id)
    if run.state == "running" and run is task.runs[-1]:
        retry(ledger, task, run, reason, now)
        if run_id == 0 and run is task.runs[-1]:
            ledger.drop_claims(task, run_id)  # rows of later runs stay until their own takenUntil
    elif run.reason_resolved != reason or run.state != "exception" or run_id < len(task.runs) - 2:
        raise errors.conflict(f"Run {run_id} on task `{task.task_id}` is resolved or not running.")
    _announce_exception(ledger, task, run, now)
    return {"status": task.status()}


def retry(ledger: Ledger, task: Task, run: Run, reason: str, now: int) -> None:
    """Resolve a run as exception and add the next one, if the reason allows and retries are left."""
    ledger.resolve_run(task, run, "exception", reason, now)
    if reason in RETRIED_AS and task.retries_left > 0 and len(task.runs) < MAX_RUNS:
        task.retries_left -= 1
        ledger.file_pending(task, ledger.add_run(task, RETRIED_AS[reason], now), now)


def _announce_exception(ledger: Ledger, task: Task, run: Run, now: int) -> None:
    told = messages.task_resolved(now, "task-exception", task, run)
    newest = task.runs[-1]
    waiting = newest is not run and newest.state == "pending" and newest.reason_created in ("retry", "task-retry")
    if waiting:
        ledger.file_pending(task, newest, now)
        ledger.publish_anyway(told, messages.task_pending(now, task, newest))
    else:
        ledger.note_resolution(task)
        ledger.publish(told)


def cancel(ledger: Ledger, task: Task, now: int) -> dict[str, Any]:
    """Cancel whatever the last run is doing; a canceled task is announced again, any other resolved one left alone."""
    refuse_late(task, now, "canceled")
    cancel_last_run(ledger, task, now)
    last = task.runs[-1]
    if last.reason_resolved == "canceled":
        ledger.drop_claims(task, last.run_id)
        ledger.publish(messages.task_resolved(now, "task-exception", task, last))
        ledger.note_resolution(task)
    return {"status": task.status()}


def cancel_last_run(ledger: Ledger, task: Task, now: int) -> bool:
    """Resolve the last run as canceled, or a run made for it if there is none; tell whether anything changed."""
    if not task.runs:
        ledger.add_resolved_run(task, "canceled", now)
        return True
    last = task.runs[-1]
    if last.state not in ("pending", "running"):
        return False
    ledger.resolve_run(task, last, "exception", "canceled", now)
    return True
