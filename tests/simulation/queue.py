"""Taskcluster's queue as the engine calls it: the rules are those of the double, without HTTP and signatures."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from zlib import crc32

from bridge.core import faults
from bridge.core.artifact import Artifact
from bridge.core.order import Definition
from bridge.core.pending import PendingRun
from bridge.core.run import RunId, RunKey, TaskId, Worker
from bridge.core.status import RunState, RunStatus, TaskStatus
from bridge.core.verdict import Resolution
from bridge.taskcluster.credentials import Credentials, RunCredentials
from tests.doubles.taskcluster import artifacts, claims, errors, resolution
from tests.doubles.taskcluster.instants import zulu
from tests.doubles.taskcluster.ledger import Ledger
from tests.doubles.taskcluster.model import RESOLVED, Run, Task
from tests.simulation.fabric import EPOCH, Fabric, Machine
from tests.simulation.watch import MALFORMED, Watch

START = EPOCH * 1_000_000  # the ledger counts microseconds
_ACCEPTED = 300.0  # seconds for which the queue takes credentials after their expiry
_SAID: Mapping[int, type[faults.Fault]] = {
    401: faults.NotAllowed, 403: faults.NotAllowed, 404: faults.Missing, 409: faults.Conflicting, 410: faults.Missing,
    400: faults.Unfit, 413: faults.Unfit,
}  # fmt: skip


class Issuer:
    """Credentials without signatures: what matters is until when they hold."""

    def issue(self, _name: str, _scopes: object, _now: int, until: int) -> dict[str, Any]:
        return {"until": until}


class Store:
    """A store that takes every upload."""

    def signed_put(self, _path: str, _content_type: str, _now: int, _until: int) -> str:
        return "https://store.example/"


def _kind(artifact: Artifact) -> dict[str, Any]:
    if artifact.absence is not None:
        return {"storageType": "error", "reason": artifact.absence.reason, "message": artifact.absence.message}
    where = {"storageType": "s3"} if artifact.reference is None else {"storageType": "reference", "url": artifact.reference}
    return {**where, "contentType": artifact.content_type}


def _moment(instant: int) -> datetime:
    return datetime.fromtimestamp(instant / 1_000_000, UTC)


def _run(run: Run) -> RunStatus:
    return RunStatus(
        RunState(run.state),
        run.reason_created,
        _moment(run.scheduled),
        Worker(run.worker_group, run.worker_id) if run.worker_group and run.worker_id else None,
        None if run.taken_until is None else _moment(run.taken_until),
        run.reason_resolved,
        None if run.resolved is None else _moment(run.resolved),
    )


_STRANGE = 200.0
"""Seconds. Lists are whole after that: the sweep that finds lost rows comes every five minutes, and has its bound."""


def status_of(task: Task) -> TaskStatus:
    """The task's status as a value of the core."""
    named = task.definition
    return TaskStatus(
        task_id=TaskId(task.task_id),
        task_queue_id=task.queue_id,
        scheduler_id=task.scheduler_id,
        project_id=named["projectId"],
        task_group_id=task.group_id,
        priority=task.priority,
        deadline=_moment(task.deadline),
        expires=_moment(task.expires),
        retries_left=task.retries_left,
        state=task.state,
        runs=tuple(map(_run, task.runs)),
    )


class Taskcluster:
    """The one queue of a schedule: its ledger, its time, and whether it can be reached."""

    def __init__(self, ledger: Ledger, fabric: Fabric) -> None:
        self.ledger, self.fabric = ledger, fabric
        self.issuer, self.store = Issuer(), Store()
        self.away_until = 0.0

    def now(self) -> int:
        return START + int(self.fabric.loop.now * 1_000_000)


class Queue:
    """The engine's port over a queue, with the credentials that one process holds in memory."""

    def __init__(self, taskcluster: Taskcluster, machine: Machine, watch: Watch, wall: Callable[[], float]) -> None:
        self._at, self._machine, self._watch = taskcluster, machine, watch
        self._ledger = taskcluster.ledger
        self._credentials = RunCredentials(wall)
        self._expiry: dict[RunKey, float] = {}
        self._definitions: dict[TaskId, Definition] = {}

    def _call(self, name: str, effect: Callable[[], Any]) -> Awaitable[Any]:
        def answered() -> Any:
            if self._at.away_until > self._at.fabric.loop.now:
                raise faults.Unavailable("Taskcluster: 503")
            try:
                return effect()
            except errors.ApiError as error:
                raise _SAID.get(error.status, faults.Unavailable)(error.code) from None

        return self._at.fabric.call(self._machine, "taskcluster", name, answered)

    # --- reads

    async def status(self, task_id: TaskId) -> TaskStatus:
        return await self._call("status", lambda: self._status(task_id))

    def _status(self, task_id: TaskId) -> TaskStatus:
        task = self._ledger.task(task_id)
        self._watch.read(self._machine.name, task)
        status = status_of(task)
        self._watch.called(self._machine.name, "status", task_id, None, 200, {})
        return status

    async def statuses(self, task_ids: Collection[TaskId]) -> Mapping[TaskId, TaskStatus]:
        return await self._call("statuses", lambda: self._statuses(task_ids)) if task_ids else {}

    def _statuses(self, task_ids: Collection[TaskId]) -> Mapping[TaskId, TaskStatus]:
        """Unknown tasks are left out, and in the first minutes now and then one more, as a row of a strange form is."""
        early = self._at.fabric.loop.now < _STRANGE
        asked = [task for task in sorted(task_ids) if task in self._ledger.tasks and not (early and self._odd(task))]
        return {task: status_of(self._ledger.tasks[task]) for task in asked}

    def _odd(self, task: TaskId) -> bool:
        return crc32(f"{task} {self._at.now()}".encode()) % 8 == 0

    async def definition(self, task_id: TaskId) -> Definition:
        known = self._definitions.get(task_id)
        if known is None:
            known = self._definitions[task_id] = await self._call("task", lambda: self._definition(task_id))
        return known

    def _definition(self, task_id: TaskId) -> Definition:
        definition = self._ledger.task(task_id).definition
        return Definition(definition["payload"], tuple(definition["scopes"]))

    async def expanded(self, scopes: Sequence[str]) -> frozenset[str]:
        return await self._call("expandScopes", lambda: frozenset(scopes))

    async def pending(self, task_queue_id: str) -> AsyncIterator[list[PendingRun]]:
        rows = await self._call("listPendingTasks", lambda: self._pending(task_queue_id))
        if rows:
            yield rows

    def _pending(self, task_queue_id: str) -> list[PendingRun]:
        now, tasks = self._at.now(), self._ledger.tasks
        rows = [row for row in self._ledger.pending[task_queue_id].values() if tasks[row.task_id].deadline > now]
        return [
            PendingRun(RunKey(TaskId(row.task_id), RunId(row.run_id)), self._definition(TaskId(row.task_id))) for row in rows
        ]

    # --- claims

    async def claim(self, key: RunKey, worker: Worker, task_queue_id: str) -> datetime:
        until, expiry = await self._call("claim", lambda: self._claim(key, worker))
        return self._taken(key, until, expiry)

    def _claim(self, key: RunKey, worker: Worker) -> tuple[int | None, int]:
        task, run = self._of(key)
        detail = {"workerGroup": worker.group, "workerId": worker.id}
        try:
            if run.state == "pending" and task.deadline > self._at.now():
                self._watch.claimed(task, run, worker.group, worker.id)
            who = claims.Claimant(worker.group, worker.id)
            answer = claims.claim(self._ledger, self._at.issuer, task, key.run_id, who, self._at.now())
        except errors.ApiError as error:
            self._watch.called(self._machine.name, "claimTask", key.task_id, key.run_id, error.status, detail)
            raise
        self._watch.called(self._machine.name, "claimTask", key.task_id, key.run_id, 200, detail)
        return run.taken_until, answer["credentials"]["until"]

    async def reclaim(self, key: RunKey) -> datetime:
        held = self._held(key)
        until, expiry = await self._call("reclaim", lambda: self._reclaim(key, held))
        return self._taken(key, until, expiry)

    def _reclaim(self, key: RunKey, held: float) -> tuple[int | None, int]:
        self._admit(held)
        task, run = self._of(key)
        answer = claims.reclaim(self._ledger, self._at.issuer, task, key.run_id, self._at.now())
        self._watch.called(self._machine.name, "reclaimTask", key.task_id, key.run_id, 200, {})
        return run.taken_until, answer["credentials"]["until"]

    def _taken(self, key: RunKey, until: int, expiry: int) -> datetime:
        self._credentials.keep(key, Credentials("run", "token"), expiry / 1_000_000)
        self._expiry[key] = expiry / 1_000_000
        return _moment(until)

    def _held(self, key: RunKey) -> float:
        """Until when the process's credentials of a run are good."""
        if self._credentials.of(key) is None:
            raise faults.Unavailable("this process has no credentials of the run")
        return self._expiry[key]

    def _admit(self, expiry: float) -> None:
        if self._at.fabric.loop.now + EPOCH > expiry + _ACCEPTED:
            raise faults.NotAllowed("the credentials have expired")

    def _of(self, key: RunKey) -> tuple[Task, Run]:
        task = self._ledger.task(key.task_id)
        return task, self._ledger.run(task, key.run_id)

    # --- ends

    encodes = True

    def artifact_address(self, key: RunKey, name: str) -> str:
        return f"https://taskcluster.example/{key}/{name}"

    async def definition_hash(self, task_id: TaskId) -> str:
        definition = await self.definition(task_id)
        return sha256(repr((definition.payload, definition.scopes)).encode()).hexdigest()

    async def attach(self, key: RunKey, artifact: Artifact) -> None:
        held = self._held(key)
        await self._call("attach", lambda: self._attach(key, artifact, held))
        if artifact.source is not None:
            async with artifact.source.open() as chunks:
                size = sum([len(chunk) async for chunk in chunks])
            assert size == artifact.source.size, f"{artifact.name}: a source of {size} bytes"
        if artifact.source is not None or artifact.body is not None:
            await self._call("store", lambda: self._at_stored(key, artifact.name))

    def _at_stored(self, key: RunKey, name: str) -> None:
        self._watch.stored.add((key.task_id, int(key.run_id), name))

    def _attach(self, key: RunKey, artifact: Artifact, held: float) -> None:
        self._admit(held)
        body = {**_kind(artifact), "expires": zulu(int(artifact.expires.timestamp() * 1_000_000))}
        at = self._at
        artifacts.create(self._ledger, at.store, at.issuer, key.task_id, key.run_id, artifact.name, body, at.now())
        self._watch.called(self._machine.name, "createArtifact", key.task_id, key.run_id, 200, {"path": artifact.name})

    async def resolve(self, key: RunKey, verdict: Resolution | None) -> TaskStatus:
        held = self._held(key)
        return await self._call("resolve", lambda: self._resolve(key, verdict, held))

    def _resolve(self, key: RunKey, verdict: Resolution | None, held: float) -> TaskStatus:
        self._admit(held)
        task, run = self._of(key)
        now, ledger = self._at.now(), self._ledger
        word = verdict.value if verdict else MALFORMED
        if run.state == "running" and run is task.runs[-1]:
            self._watch.resolved(task, run, word)
        if verdict in (Resolution.COMPLETED, Resolution.FAILED):
            resolution.report(ledger, task, key.run_id, word, now)
            api = "reportCompleted" if verdict is Resolution.COMPLETED else "reportFailed"
        else:
            resolution.report_exception(ledger, task, key.run_id, word, now)
            api = "reportException"
        self._watch.called(self._machine.name, api, key.task_id, key.run_id, 200, {"reason": word})
        return status_of(task)

    async def cancel_task(self, task_id: TaskId) -> TaskStatus:
        return await self._call("cancel_task", lambda: self._cancel_task(task_id))

    def _cancel_task(self, task_id: TaskId) -> TaskStatus:
        task = self._ledger.task(task_id)
        self._watch.cancelled(self._machine.name, task)
        resolution.cancel(self._ledger, task, self._at.now())
        self._watch.called(self._machine.name, "cancelTask", task_id, None, 200, {})
        return status_of(task)

    # --- credentials

    def holds(self, key: RunKey) -> bool:
        return self._credentials.of(key) is not None

    def half_over(self) -> list[RunKey]:
        return self._credentials.half_over()

    def forget(self, key: RunKey) -> None:
        self._credentials.forget(key)


def is_over(task: Task) -> bool:
    """Whether the task is resolved."""
    return task.state in RESOLVED
