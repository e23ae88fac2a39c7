"""The engine's ports for one replica: every call stops here until the model says what it came to.

Reads that can only have one answer (the definition, its judgement) and uploads are answered at once.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from bridge.buildbot.answers import States
from bridge.core import faults
from bridge.core.artifact import Artifact
from bridge.core.order import Definition, Order, Policy, Refusal
from bridge.core.pending import PendingRun
from bridge.core.record import BuildRecord, LogPiece, Output
from bridge.core.request import RequestState
from bridge.core.run import RequestId, Run, RunId, RunKey, TaskId, Worker
from bridge.core.status import TaskStatus
from bridge.core.verdict import Resolution
from bridge.engine.backoff import Backoff
from bridge.engine.engine import Engine
from bridge.engine.memory import Memory
from bridge.engine.pool import Pool
from bridge.engine.ports import Properties, Redact
from tests.unit.core.samples import AT, RULES

POOL = "linux"
# The queue accepts a run's credentials for four minutes and more after the end of the claim that they came with.
GRACE = timedelta(minutes=4)
Decide = Callable[[Mapping[RunId, Run]], Mapping[RunId, Run]]


@dataclass(frozen=True, slots=True)
class Call:
    """A call that waits for its answer: to whom, what, with what. `decide` and `because` belong to `change`."""

    side: str
    name: str
    args: tuple[Any, ...] = ()
    decide: Decide | None = field(default=None, compare=False)
    because: str = field(default="", compare=False)


@dataclass
class Seat:
    """Where a replica sits: its clock, its memory of credentials (until when they work), the call it waits for."""

    loop: asyncio.AbstractEventLoop
    admitted: bool
    now: datetime = AT
    memory: dict[RunId, datetime] = field(default_factory=dict)
    waiting: tuple[Call, "asyncio.Future[Any]"] | None = None
    uploading: bool = False
    """Whether what is done now uploads: the reads behind its uploads only serve their text."""
    known: Memory = field(default_factory=Memory)
    defects: list[str] = field(default_factory=list)

    def ask(
        self, side: str, name: str, *args: Any, decide: Decide | None = None, because: str = ""
    ) -> "asyncio.Future[Any]":
        assert self.waiting is None, "two calls at once"
        future = self.loop.create_future()
        self.waiting = (Call(side, name, args, decide, because), future)
        return future

    def engine(self) -> Engine:
        async def admit(*_: object) -> Order | Refusal:
            return Order("builder", {}, (), 2, "", AT) if self.admitted else Refusal("there is no such builder")

        pool = Pool(POOL, "pool/linux", RULES, Policy(), BuildsAt(self), lambda shown: shown, PUBLISHED)
        ports = RunsAt(self), QueueAt(self), {POOL: pool}, admit, ClockAt(self)
        return Engine("replica", *ports, BACKOFF, EyesAt(self), self.known)


class Nothing:
    """What is published says nothing here: its documents are made again whenever a coroutine is, and decide nothing."""

    attests = False

    def redactor(self, properties: Properties) -> Redact:
        return str

    def facts(self, run: Run, state: RequestState, record: BuildRecord, page: str | None, redact: Redact) -> bytes:
        return b"{}"

    def provenance(self, *_: object) -> tuple[bytes, bytes | None]:
        raise NotImplementedError("nobody attests to anything here")


PUBLISHED = Nothing()


class Steady(Random):
    """Waits are rounded up to a minute: chance has no part in them."""

    def uniform(self, a: float, b: float) -> float:
        return max(a, b)


BACKOFF = Backoff(Steady())


@dataclass
class ClockAt:
    seat: Seat

    def now(self) -> datetime:
        return self.seat.now


@dataclass
class EyesAt:
    """Sees what must never happen."""

    seat: Seat

    def moved(self, before: Run | None, after: Run, because: str) -> None: ...
    def fault(self, run: Run, command: str, fault: Exception) -> None: ...
    def away(self, what: str, fault: Exception) -> None: ...
    def found(self, kind: str, count: int) -> None: ...

    def defect(self, run: Run, command: str, defect: Exception) -> None:
        self.seat.defects.append(f"{command} of {run.key}: {defect!r}")

    def poison(self, key: RunKey, defect: Exception) -> None:
        self.seat.defects.append(f"{key}: {defect!r}")

    def alarm(self, what: str, key: RunKey | None, detail: str) -> None:
        if what in ("unexpected_refusal", "key_conflict"):
            self.seat.defects.append(f"{what}: {detail}")


@dataclass
class RunsAt:
    """The rows. Leases are the model's business: it says who begins what."""

    seat: Seat

    async def insert(self, runs: Sequence[Run]) -> list[RunKey]:
        raise NotImplementedError("the model inserts by itself")

    async def add(self, run: Run, because: str) -> bool:
        def decide(rows: Mapping[RunId, Run]) -> Mapping[RunId, Run]:
            return {} if run.key.run_id in rows else {run.key.run_id: run}

        return bool(await self.seat.ask("rows", "add", run, decide=decide, because=because))

    async def change(
        self, task_id: TaskId, decide: Decide, *, because: str, holder: str | None = None, cause: object = ()
    ) -> Mapping[RunId, Run]:
        return await self.seat.ask("rows", "change", decide=decide, because=because)

    async def lease(self, key: RunKey, me: str) -> Run | None:
        raise NotImplementedError("the model leases by itself")

    async def release(self, keys: Collection[RunKey], me: str) -> None: ...
    async def abandon(self, me: str) -> None: ...

    async def due(self, me: str, *, limit: int, foreign: bool) -> list[Run]:
        raise NotImplementedError("the model knows what is due")

    async def of_task(self, task_id: TaskId) -> Mapping[RunId, Run]:
        return await self.seat.ask("rows", "read")

    async def of_requests(self, request_ids: Collection[RequestId], *, pools: Collection[str]) -> list[Run]:
        raise NotImplementedError("Buildbot's changes are hints here")

    async def retire(self, older_than: timedelta, limit: int) -> int:
        raise NotImplementedError("rows are not retired while their task lives")

    async def unsettled(self, *, page: int = 1000) -> AsyncIterator[list[Run]]:
        yield await self.seat.ask("rows", "unsettled")


@dataclass
class QueueAt:
    seat: Seat

    async def status(self, task_id: TaskId) -> TaskStatus:
        return await self.seat.ask("queue", "status")

    async def statuses(self, task_ids: Collection[TaskId]) -> Mapping[TaskId, TaskStatus]:
        return {status.task_id: status for status in [await self.seat.ask("queue", "status")]} if task_ids else {}

    async def definition(self, task_id: TaskId) -> Definition:
        return Definition({}, ())

    async def expanded(self, scopes: Sequence[str]) -> frozenset[str]:
        return frozenset(scopes)

    async def pending(self, task_queue_id: str) -> AsyncIterator[list[PendingRun]]:
        found: list[list[PendingRun]] = []  # the model inserts rows by itself
        for page in found:
            yield page

    async def claim(self, key: RunKey, worker: Worker, task_queue_id: str) -> datetime:
        return await self._kept(key, "claim", worker)

    async def reclaim(self, key: RunKey) -> datetime:
        self._needs(key)
        return await self._kept(key, "reclaim")

    async def _kept(self, key: RunKey, name: str, *args: Any) -> datetime:
        until: datetime = await self.seat.ask("queue", name, key.run_id, *args)
        self.seat.memory[key.run_id] = until + GRACE
        return until

    encodes = True

    def artifact_address(self, key: RunKey, name: str) -> str:
        return f"https://taskcluster.example/{key}/{name}"

    async def definition_hash(self, task_id: TaskId) -> str:
        return "0" * 64

    async def attach(self, key: RunKey, artifact: Artifact) -> None:
        self._needs(key)

    async def resolve(self, key: RunKey, resolution: Resolution | None) -> TaskStatus:
        self._needs(key)
        return await self.seat.ask("queue", "resolve", key.run_id, resolution)

    async def cancel_task(self, task_id: TaskId) -> TaskStatus:
        return await self.seat.ask("queue", "cancel_task")

    def _needs(self, key: RunKey) -> None:
        if not self.holds(key):
            raise faults.Unavailable("no credentials of the run")

    def holds(self, key: RunKey) -> bool:
        return key.run_id in self.seat.memory and self.seat.now < self.seat.memory[key.run_id]

    def half_over(self) -> list[RunKey]:
        raise NotImplementedError("the database answers here: nobody guards")

    def forget(self, key: RunKey) -> None:
        self.seat.memory.pop(key.run_id, None)


@dataclass
class BuildsAt:
    seat: Seat

    async def submit(self, key: RunKey, order: Order) -> RequestId:
        return await self.seat.ask("buildbot", "submit", key.run_id)

    async def find(self, key: RunKey) -> RequestState | None:
        return await self.seat.ask("buildbot", "find", key.run_id)

    async def state(self, request: RequestId) -> RequestState | None:
        return None if self.seat.uploading else await self.seat.ask("buildbot", "state", request)

    async def states(self, requests: Collection[RequestId]) -> States:
        found: Mapping[int, RequestState] = await self.seat.ask("buildbot", "states", tuple(requests))
        missing = tuple(number for number in requests if number not in found)
        return States("epoch", 1, tuple(found.values()), missing)

    async def cancel(self, key: RunKey, reason: str) -> RequestState | None:
        return await self.seat.ask("buildbot", "cancel", key.run_id)

    async def set_priority(self, key: RunKey, priority: int) -> None:
        await self.seat.ask("buildbot", "prioritise", key.run_id)

    async def properties(self, build_id: int) -> Mapping[str, tuple[object, str]]:
        return {}

    async def strangers(self, completed_since: datetime) -> AsyncIterator[list[RequestState]]:
        yield await self.seat.ask("buildbot", "all")

    async def build_url(self, state: RequestState) -> str | None:
        return None

    async def record(self, build_id: int) -> BuildRecord:
        return BuildRecord(build_id, build_id, "builder", "worker", "", AT, None, None, "")

    async def log_piece(self, build_id: int, log_id: int, first_line: int) -> LogPiece:
        raise faults.Missing("the builds of the model have no steps")

    async def outputs(self, build_id: int) -> tuple[Output, ...]:
        return ()

    def output(self, build_id: int, number: int) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        raise faults.Missing("the builds of the model give nothing away")

    async def release(self, build_id: int) -> None: ...
