"""The queue, as the engine wants it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

import tenacity

from bridge.coalesce import Coalescer
from bridge.core import faults
from bridge.core.artifact import Artifact
from bridge.core.order import Definition
from bridge.core.pending import PendingRun
from bridge.core.run import RunId, RunKey, TaskId, Worker
from bridge.core.status import TaskStatus
from bridge.core.verdict import Resolution
from bridge.taskcluster.artifacts import Uploads
from bridge.taskcluster.calls import Calls, Interrupted, parsed, parsed_rows
from bridge.taskcluster.canonical import canonical
from bridge.taskcluster.credentials import Credentials, Permanent, RunCredentials
from bridge.taskcluster.memory import Definitions, Expansions
from bridge.taskcluster.messages import ClaimAnswer, DependentRow, PendingRow, StatusAnswer, TaskRow, TaskWire

MOST_IDS: Final = 1000
"""Ids in a call of statuses or tasks. Ids are split, for pages of the answer have no fixed order and may miss some."""
_PAGES: Final = 200  # of pending runs, 1000 each: a bound for a list whose paging can run in circles

# Reads have no effect, so after a broken connection or a stumble they are tried once more before anybody hears of it.
# A timeout is not: that would multiply the wait.
_reading = tenacity.retry(
    retry=tenacity.retry_if_exception_type(Interrupted),
    stop=tenacity.stop_after_attempt(3),
    wait=tenacity.wait_random(0.05, 0.5),
    reraise=True,
)


class Queue:
    """Taskcluster's queue for one permanent client. `now` gives seconds since 1970."""

    def __init__(
        self, calls: Calls, permanent: Permanent, uploads: Uploads, *, now: Callable[[], float] = time.time
    ) -> None:
        self._calls = calls
        self._permanent = permanent
        self._uploads = uploads
        self._runs = RunCredentials(now)
        self._known = Definitions()
        self._expansions = Expansions(self._expand)
        self._statuses: Coalescer[TaskId, TaskStatus] = Coalescer(self.statuses, most=MOST_IDS)
        self._tasks: Coalescer[TaskId, Definition] = Coalescer(self._definitions, most=MOST_IDS)

    async def status(self, task_id: TaskId) -> TaskStatus:
        """Read one status; concurrent calls share batches. `Missing` only after a 404 for this very task."""
        return await self._statuses.get(task_id) or await self._one_status(task_id)

    @_reading
    async def _one_status(self, task_id: TaskId) -> TaskStatus:
        answer = await self._calls.queue(self._permanent(), [f"queue:status:{task_id}"], "status", task_id)
        return _status(task_id, answer, "status")

    async def statuses(self, task_ids: Collection[TaskId]) -> Mapping[TaskId, TaskStatus]:
        """Read many statuses; ids that are not found, or not intelligible, are left out, which proves nothing."""
        found: dict[TaskId, TaskStatus] = {}
        for part in _parts(task_ids):
            answer = await self._batch("statuses", "queue:status:*", part)
            for row in parsed_rows(StatusAnswer, answer.get("statuses"), "statuses"):
                found[TaskId(row.status.taskId)] = row.status.value()
        return found

    async def definition(self, task_id: TaskId) -> Definition:
        """Read one definition; concurrent calls share batches, and definitions are remembered. `Missing` as in status."""
        known = self._known.get(task_id) or await self._tasks.get(task_id)
        return known or await self._one_definition(task_id)

    @_reading
    async def _one_definition(self, task_id: TaskId) -> Definition:
        task = await self._calls.queue(self._permanent(), [f"queue:get-task:{task_id}"], "task", task_id)
        return self._known.put(task_id, parsed(TaskWire, task, "task"))

    async def _definitions(self, task_ids: Sequence[TaskId]) -> Mapping[TaskId, Definition]:
        found: dict[TaskId, Definition] = {}
        for part in _parts(task_ids):
            answer = await self._batch("tasks", "queue:get-task:*", part)
            for row in parsed_rows(TaskRow, answer.get("tasks"), "tasks"):
                found[TaskId(row.taskId)] = self._known.put(TaskId(row.taskId), row.task)
        return found

    async def dependencies(self, task_ids: Collection[TaskId]) -> Mapping[TaskId, tuple[TaskId, ...]]:
        """Read on which tasks these depend; tasks that are not found, or not intelligible, are left out."""
        found: dict[TaskId, tuple[TaskId, ...]] = {}
        for part in _parts(task_ids):
            answer = await self._batch("tasks", "queue:get-task:*", part)
            for row in parsed_rows(DependentRow, answer.get("tasks"), "tasks"):
                found[TaskId(row.taskId)] = tuple(map(TaskId, row.task.dependencies))
        return found

    @_reading
    async def _batch(self, method: str, scope: str, task_ids: Sequence[TaskId]) -> dict[str, Any]:
        answer = await self._calls.queue(self._permanent(), [scope], method, {"taskIds": list(task_ids)})
        return _object(answer, method)

    async def expanded(self, scopes: Sequence[str]) -> frozenset[str]:
        """Expand the scopes through Taskcluster's roles; an answer is believed for some minutes."""
        return await self._expansions.get(frozenset(scopes))

    @_reading
    async def _expand(self, scopes: frozenset[str]) -> frozenset[str]:
        body = {"scopes": sorted(scopes)}
        answer = await self._calls.auth(self._permanent(), ["auth:expand-scopes"], "expandScopes", body)
        return _scopes(answer, "expandScopes")

    async def pending(self, task_queue_id: str) -> AsyncIterator[list[PendingRun]]:
        """Read the pending runs of a task queue, page by page, repeats dropped; the definitions are remembered."""
        seen = set[RunKey]()
        token: str | None = None
        for _ in range(_PAGES):
            page = await self._page(task_queue_id, token)
            new = {run.key: run for run in self._rows(page) if run.key not in seen}
            seen.update(new)
            if new:
                yield list(new.values())
            token = page.get("continuationToken")
            if not (isinstance(token, str) and new):
                return

    def _rows(self, page: Mapping[str, Any]) -> list[PendingRun]:
        rows = parsed_rows(PendingRow, page.get("tasks"), "listPendingTasks")
        return [
            PendingRun(RunKey(TaskId(row.taskId), RunId(row.runId)), self._known.put(TaskId(row.taskId), row.task))
            for row in rows
        ]

    @_reading
    async def _page(self, task_queue_id: str, token: str | None) -> dict[str, Any]:
        query = {"limit": str(MOST_IDS)} | ({"continuationToken": token} if token else {})
        scopes, method = [f"queue:pending-list:{task_queue_id}"], "listPendingTasks"
        return _object(await self._calls.queue(self._permanent(), scopes, method, task_queue_id, query=query), method)

    async def claim(self, key: RunKey, worker: Worker, task_queue_id: str) -> datetime:
        """Claim (or claim again) and keep the credentials; returns takenUntil. Never repeated here."""
        scopes = [f"queue:claim-task:{task_queue_id}", f"queue:worker-id:{worker.group}/{worker.id}"]
        body = {"workerGroup": worker.group, "workerId": worker.id}
        answer = await self._calls.queue(self._permanent(), scopes, "claimTask", key.task_id, str(key.run_id), body)
        return self._taken(key, answer, "claimTask")

    async def reclaim(self, key: RunKey) -> datetime:
        """Renew the claim with the run's own credentials; returns takenUntil."""
        return self._taken(key, await self._of_run(key, "reclaim-task", "reclaimTask"), "reclaimTask")

    def _taken(self, key: RunKey, answer: object, method: str) -> datetime:
        taken = parsed(ClaimAnswer, answer, method)  # a quarantined worker's `{}` is no claim either
        if (taken.status.taskId, taken.runId) != (key.task_id, key.run_id):
            raise faults.Unavailable(f"{method}: answered for {taken.status.taskId}/{taken.runId}, not for {key}")
        given = taken.credentials
        self._runs.keep(key, Credentials(given.clientId, given.accessToken, given.certificate), given.expiry)
        return taken.takenUntil

    @property
    def encodes(self) -> bool:
        """Whether a body may be stored gzip-encoded."""
        return self._uploads.encodes

    async def attach(self, key: RunKey, artifact: Artifact) -> None:
        """Create the artifact and store its body; an equal one that exists is success."""

        async def of_run(method: str, name: str, body: Mapping[str, object]) -> Any:
            return await self._of_run(key, "create-artifact", method, name, body)

        await self._uploads.attach(key, artifact, of_run)

    def artifact_address(self, key: RunKey, name: str) -> str:
        """Where anybody finds an artifact of this very run."""
        path = f"task/{key.task_id}/runs/{key.run_id}/artifacts/{quote(name)}"
        return f"{self._calls.root_url.rstrip('/')}/api/queue/v1/{path}"

    async def definition_hash(self, task_id: TaskId) -> str:
        """SHA-256, in hex, of the task's definition in its canonical spelling, read now.

        Without the priority, the one thing that people may change in it: whoever checks the hash later shall find the same.
        """
        task = await self._whole_definition(task_id)
        fixed = {name: value for name, value in task.items() if name != "priority"}
        try:
            return hashlib.sha256(canonical(fixed)).hexdigest()
        except ValueError:
            raise faults.Unavailable("task: the answer is not JSON") from None

    @_reading
    async def _whole_definition(self, task_id: TaskId) -> dict[str, Any]:
        return _object(await self._calls.queue(self._permanent(), [f"queue:get-task:{task_id}"], "task", task_id), "task")

    async def resolve(self, key: RunKey, resolution: Resolution | None) -> TaskStatus:
        """Report the resolution (None: malformed-payload). Never repeated here."""
        match resolution:
            case Resolution.COMPLETED:
                answer = await self._of_run(key, "resolve-task", "reportCompleted")
            case Resolution.FAILED:
                answer = await self._of_run(key, "resolve-task", "reportFailed")
            case Resolution.CANCELED:
                raise ValueError("no worker can report a run as canceled")
            case _:
                body = {"reason": resolution.value if resolution else "malformed-payload"}
                answer = await self._of_run(key, "resolve-task", "reportException", body)
        return _status(key.task_id, answer, "report")

    async def _of_run(self, key: RunKey, scope: str, method: str, *args: object) -> Any:
        who = self._runs.of(key)
        if who is None:
            raise faults.Unavailable(f"{method}: this process has no credentials of run {key}")
        # Narrowed: the run's credentials carry all scopes of the task as well.
        scopes = [f"queue:{scope}:{key.task_id}/{key.run_id}"]
        return await self._calls.queue(who, scopes, method, key.task_id, str(key.run_id), *args)

    async def cancel_task(self, task_id: TaskId) -> TaskStatus:
        """Cancel the *task*; only to be called directly after a status read that shows the run last and unresolved.

        Not narrowed: one of several scopes allows it, and naming one that the client does not hold is an error.
        """
        answer = await self._calls.queue(self._permanent(), None, "cancelTask", task_id)
        return _status(task_id, answer, "cancelTask")

    def holds(self, key: RunKey) -> bool:
        """Whether this process has credentials of the run that still work."""
        return self._runs.of(key) is not None

    def half_over(self) -> list[RunKey]:
        """Runs whose claims, by what this process remembers, have less than half of their time left; most urgent first."""
        return self._runs.half_over()

    def forget(self, key: RunKey) -> None:
        """Drop the run's credentials."""
        self._runs.forget(key)

    async def current_scopes(self) -> frozenset[str]:
        """The scopes that the permanent client has, roles expanded; for `bbb doctor`."""
        return _scopes(await self._calls.auth(self._permanent(), None, "currentScopes"), "currentScopes")

    async def ping(self) -> None:
        """Ask the queue whether it lives."""
        await self._calls.anonymous("ping")


def _parts(task_ids: Collection[TaskId]) -> list[list[TaskId]]:
    ids = list(task_ids)
    return [ids[start : start + MOST_IDS] for start in range(0, len(ids), MOST_IDS)]


def _status(task_id: TaskId, answer: object, method: str) -> TaskStatus:
    """The status in an answer about one task; one about another task is no answer."""
    status = parsed(StatusAnswer, answer, method).status.value()
    if status.task_id != task_id:
        raise faults.Unavailable(f"{method}: answered for task {status.task_id}, not for {task_id}")
    return status


def _object(answer: object, method: str) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise faults.Unavailable(f"{method}: the answer is no object")
    return answer


def _scopes(answer: object, method: str) -> frozenset[str]:
    scopes = _object(answer, method).get("scopes")
    if not (isinstance(scopes, list) and all(isinstance(scope, str) for scope in scopes)):
        raise faults.Unavailable(f"{method}: the answer has no list of scopes")
    return frozenset(scopes)
