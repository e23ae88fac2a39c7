"""Workers as the queue has seen them, and their quarantine."""

from typing import Any

from tests.doubles.taskcluster import errors
from tests.doubles.taskcluster.instants import DAY, parse, to_milliseconds, zulu
from tests.doubles.taskcluster.ledger import Ledger
from tests.doubles.taskcluster.lists import queue_names
from tests.doubles.taskcluster.model import Worker


def listed(ledger: Ledger, queue_id: str) -> dict[str, Any]:
    """List the workers of a queue; claimTask alone does not put a worker here."""
    return {"workers": [_brief(worker) for worker in ledger.workers.values() if worker.queue_id == queue_id]}


def _brief(worker: Worker) -> dict[str, Any]:
    known = {
        "workerGroup": worker.worker_group,
        "workerId": worker.worker_id,
        "firstClaim": zulu(worker.first_claim),
        "lastDateActive": zulu(worker.last_active),
    }
    if worker.quarantine_until is not None:
        known["quarantineUntil"] = zulu(worker.quarantine_until)
    return known


def detail(ledger: Ledger, queue_id: str, group: str, worker_id: str, now: int) -> dict[str, Any]:
    """Answer all that is known of one worker."""
    worker = ledger.workers.get((queue_id, group, worker_id))
    if worker is None:
        raise errors.not_found(f"Worker with workerId `{worker_id}`, workerGroup `{group}` not found.")
    expires = zulu(to_milliseconds(now) + DAY)
    return queue_names(queue_id) | _brief(worker) | {"expires": expires, "recentTasks": []}


def quarantine(ledger: Ledger, queue_id: str, group: str, worker_id: str, until: str, now: int) -> dict[str, Any]:
    """Keep a worker from claiming until then; a time in the past ends it."""
    worker = ledger.workers.get((queue_id, group, worker_id))
    if worker is None:
        worker = ledger.see_worker(queue_id, group, worker_id, now)
    worker.quarantine_until = parse(until)
    return detail(ledger, queue_id, group, worker_id, now)
