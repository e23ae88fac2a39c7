"""The queue's lists, counts and batches, with the paging of the real ones.

listPendingTasks stamps rows with microseconds, but its tokens hold milliseconds and the last taskId. The next page is
"inserted after that millisecond began, and not that task", so rows of one millisecond repeat at a border, can repeat
for ever, and are skipped when their time has no fraction of a millisecond.
"""

import base64
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from tests.doubles.taskcluster import errors
from tests.doubles.taskcluster.identifiers import new_incident
from tests.doubles.taskcluster.instants import to_milliseconds, zulu
from tests.doubles.taskcluster.ledger import Ledger
from tests.doubles.taskcluster.model import ClaimRow, PendingRow, Task

LONGEST_PAGE = 1000
Row = TypeVar("Row", PendingRow, ClaimRow)
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page:
    """What a caller asks of a list: at most `limit` rows, from where `token` stopped."""

    limit: int = LONGEST_PAGE
    token: str | None = None

    @classmethod
    def of(cls, query: dict[str, str]) -> "Page":
        """Read the query of a list; limits above 1000 are clipped, 0 is an internal error."""
        limit = int(query.get("limit", LONGEST_PAGE))
        if limit == 0:
            raise errors.internal(new_incident())
        return cls(min(limit, LONGEST_PAGE), query.get("continuationToken"))


def _token(content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode()


def _read(token: str | None) -> Any:
    """Read a token of ours; None for anything else."""
    try:
        return json.loads(base64.urlsafe_b64decode(token or ""))
    except ValueError:
        return None


def _cut(rows: Iterable[Row], page: Page, moment: Callable[[Row], int]) -> tuple[list[Row], dict[str, str]]:
    """Cut one page out of rows sorted by time."""
    mark = _read(page.token)
    found: list[Row] = []
    for row in rows:
        if isinstance(mark, list) and (moment(row) <= mark[0] or row.task_id == mark[1]):
            continue
        if len(found) == page.limit:
            return found, {"continuationToken": _token([to_milliseconds(moment(found[-1])), found[-1].task_id])}
        found.append(row)
    return found, {}


def pending(ledger: Ledger, queue_id: str, page: Page, now: int) -> dict[str, Any]:
    """List pending runs, oldest first whatever their priority; tasks past their deadline are left out."""
    rows = (row for row in ledger.pending[queue_id].values() if ledger.tasks[row.task_id].deadline > now)
    found, more = _cut(rows, page, lambda row: row.inserted)
    tasks = [
        {
            "taskId": row.task_id,
            "runId": row.run_id,
            "task": ledger.tasks[row.task_id].definition,
            "inserted": zulu(row.inserted),
        }
        for row in found
    ]
    return {"tasks": tasks, **more}


def claimed(ledger: Ledger, queue_id: str, page: Page, now: int) -> dict[str, Any]:
    """List the newest attempt to claim each task, oldest first, whoever it was and whatever came of it."""
    newest: dict[str, ClaimRow] = {}
    for row in _live_claims(ledger, queue_id, now):
        known = newest.get(row.task_id)
        if known is None or known.claimed <= row.claimed:
            newest[row.task_id] = row
    rows = sorted(newest.values(), key=lambda row: row.claimed)
    found, more = _cut(rows, page, lambda row: row.claimed)
    return {"tasks": [_claimed_wire(ledger.tasks[row.task_id], row) for row in found], **more}


def _claimed_wire(task: Task, row: ClaimRow) -> dict[str, Any]:
    return {
        "taskId": row.task_id,
        "runId": row.run_id,
        "workerGroup": row.worker_group,
        "workerId": row.worker_id,
        "claimed": zulu(row.claimed),
        "task": task.definition,
    }


def _live_claims(ledger: Ledger, queue_id: str, now: int) -> list[ClaimRow]:
    return [row for rows in ledger.claims[queue_id].values() for row in rows if row.taken_until > now]


def counts(ledger: Ledger, queue_id: str, now: int) -> dict[str, int]:
    """Count pending runs and, too many of them, claimed ones: every row of an attempt counts once per run."""
    rows = ledger.pending[queue_id].values()
    return {
        "pendingTasks": sum(1 for row in rows if ledger.tasks[row.task_id].deadline > now),
        "claimedTasks": len({(row.task_id, row.run_id) for row in _live_claims(ledger, queue_id, now)}),
    }


def queue_names(queue_id: str) -> dict[str, str]:
    provisioner, worker_type = queue_id.split("/")
    return {"provisionerId": provisioner, "workerType": worker_type, "taskQueueId": queue_id}


def batch(
    ledger: Ledger, task_ids: list[str], page: Page, name: str, row: Callable[[Task], dict[str, Any]]
) -> dict[str, Any]:
    """Answer the known ones of some tasks, each once, in the order of their ids; unknown ids are left out."""
    known = sorted({task_id for task_id in task_ids if task_id in ledger.tasks})
    chosen, more = slice_of(known, page)
    return {name: [row(ledger.tasks[task_id]) for task_id in chosen], **more}


def slice_of(names: list[Item], page: Page) -> tuple[list[Item], dict[str, str]]:
    """Cut one page out of names or rows; here, unlike in the other lists, an unreadable token is refused."""
    start = 0 if page.token is None else _read(page.token)
    if not isinstance(start, int):
        raise errors.input_error("Invalid continuation token")
    end = start + page.limit
    return names[start:end], {"continuationToken": _token(end)} if end < len(names) else {}
