"""The queue's three background processes; each call is one poll.

A poll does what is due at `now`; who polls, and how often, is the caller's business (`Periods.poll` says how often
the real queue does).
"""

import heapq

from tests.doubles.taskcluster import messages, resolution, scheduling
from tests.doubles.taskcluster.ledger import Ledger
from tests.doubles.taskcluster.model import ClaimRow, Task


def poll(ledger: Ledger, now: int) -> None:
    """Run all three resolvers once."""
    poll_claims(ledger, now)
    poll_deadlines(ledger, now)
    poll_resolutions(ledger, now)


def poll_claims(ledger: Ledger, now: int) -> None:
    """Expire claims whose time is up and which nobody renewed."""
    while ledger.expiries and ledger.expiries[0][0] <= now:
        _, _, queue_id, row = heapq.heappop(ledger.expiries)
        _expire(ledger, row, now)
        _forget(ledger, queue_id, row)


def _expire(ledger: Ledger, row: ClaimRow, now: int) -> None:
    task = ledger.tasks[row.task_id]
    last = task.runs[-1] if task.runs else None
    if last is None or last.run_id != row.run_id or last.state != "running" or last.taken_until != row.taken_until:
        return
    if task.deadline <= now:
        return  # left to the deadline resolver: no retry (seen once on the real queue)
    resolution.retry(ledger, task, last, "claim-expired", now)
    told = [messages.task_resolved(now, "task-exception", task, last)]
    if task.runs[-1] is last:
        ledger.note_resolution(task)
    else:
        told.append(messages.task_pending(now, task, task.runs[-1]))
    ledger.publish_as_resolver(*told)


def _forget(ledger: Ledger, queue_id: str, row: ClaimRow) -> None:
    rows = ledger.claims[queue_id].get((row.task_id, row.run_id), [])
    if row in rows:
        rows.remove(row)
    if not rows:
        ledger.claims[queue_id].pop((row.task_id, row.run_id), None)


def poll_deadlines(ledger: Ledger, now: int) -> None:
    """Resolve what is unresolved a while after its deadline."""
    while ledger.deadlines and ledger.deadlines[0][0] + ledger.periods.deadline_delay <= now:
        _, _, task_id = heapq.heappop(ledger.deadlines)
        _exceed(ledger, ledger.tasks[task_id], now)


def _exceed(ledger: Ledger, task: Task, now: int) -> None:
    if not task.runs:
        last = ledger.add_resolved_run(task, "deadline-exceeded", now)
    elif task.state in ("pending", "running"):
        last = task.runs[-1]
        ledger.resolve_run(task, last, "exception", "deadline-exceeded", now)
    else:
        return
    ledger.drop_claims(task, last.run_id)
    ledger.note_resolution(task)
    ledger.publish_as_resolver(messages.task_deadline_exceeded(now, task, last))


def poll_resolutions(ledger: Ledger, now: int) -> None:
    """Schedule dependents and announce groups, for all resolutions noted so far."""
    for _ in range(len(ledger.resolutions)):
        task_id, state = ledger.resolutions.popleft()
        scheduling.settle_dependents(ledger, task_id, state, now)
