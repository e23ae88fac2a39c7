"""The engine's ports to Buildbot and to what is published, on the ledger of the master."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from bridge.core import faults
from bridge.core.order import Order
from bridge.core.record import BuildRecord, LogPiece, Output
from bridge.core.request import RequestState
from bridge.core.run import RequestId, Run, RunId, RunKey, TaskId
from bridge.core.verdict import Resolution
from bridge.engine.ports import Properties, Redact
from bridge.scenario import master
from bridge.scenario.trouble import Line

T = TypeVar("T")
_WORK_ON: Final = timedelta(minutes=4)
"""For so long after the end of their claim the queue accepts a run's credentials."""
_REPORTS: Final = {Resolution.COMPLETED: "reportCompleted", Resolution.FAILED: "reportFailed"}


@dataclass(frozen=True, slots=True)
class Read:
    """The answer to a bulk read."""

    states: tuple[RequestState, ...]
    missing: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Builds:
    """Buildbot, as one process calls it."""

    line: Line
    ledger: master.Ledger

    @property
    def now(self) -> datetime:
        return self.line.notebook.now

    async def submit(self, key: RunKey, order: Order) -> RequestId:
        return self._asked("submit", key, lambda: self.ledger.submit(key, order, self.now))

    async def find(self, key: RunKey) -> RequestState | None:
        return self._asked("find", key, lambda: self.ledger.find(str(key)))

    async def state(self, request: RequestId) -> RequestState | None:
        return self._asked("state", self._key(request), lambda: self.ledger.state(request))

    async def states(self, requests: Collection[RequestId]) -> Read:
        known = {number: state for number in requests if (state := self.ledger.state(number)) is not None}
        gone = tuple(number for number in requests if number not in known)
        return self._asked("state", None, lambda: Read(tuple(known.values()), gone))

    async def cancel(self, key: RunKey, reason: str) -> RequestState | None:
        return self._asked("cancel", key, lambda: self.ledger.cancel(str(key), self.now))

    async def set_priority(self, key: RunKey, priority: int) -> None:
        self._asked("setPriority", key, lambda: self.ledger.set_priority(str(key), priority))

    async def properties(self, build_id: int) -> Properties:
        self._reached()
        return {}

    async def strangers(self, completed_since: datetime) -> AsyncIterator[list[RequestState]]:
        self._reached()
        known = list(self.ledger.known())
        yield [each for each in known if not each.complete or (each.complete_at or self.now) > completed_since]

    async def build_url(self, state: RequestState) -> str | None:
        return None

    async def record(self, build_id: int) -> BuildRecord:
        self._reached()
        state = next(each for each in self.ledger.requests.values() for b in each.builds if b.build_id == build_id)
        b = next(each for each in state.builds if each.build_id == build_id)
        return BuildRecord(
            build_id, b.number, "", b.worker, state.external_id, b.started_at, b.complete_at, b.results, b.state_string
        )

    async def log_piece(self, build_id: int, log_id: int, first_line: int) -> LogPiece:
        raise faults.Missing("a scenario's builds have no steps")

    async def outputs(self, build_id: int) -> tuple[Output, ...]:
        self._reached()
        return ()

    def output(self, build_id: int, number: int) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        raise faults.Missing("a scenario's builds give no files")

    async def release(self, build_id: int) -> None: ...

    def _asked(self, name: str, key: RunKey | None, call: Callable[[], T]) -> T:
        self._reached()
        return self.line.pass_on(name, key, call)

    def _reached(self) -> None:
        if not self.ledger.up:
            raise faults.Unavailable("Buildbot does not answer")

    def _key(self, request: int) -> RunKey | None:
        state = self.ledger.requests.get(request)
        task, _, run = state.external_id.partition("/") if state else ("", "", "")
        return RunKey(TaskId(task), RunId(int(run))) if state else None


class Published:
    """What is published says nothing here."""

    attests = False

    def redactor(self, properties: Properties) -> Redact:
        return str

    def facts(self, run: Run, state: RequestState, record: BuildRecord, page: str | None, redact: Redact) -> bytes:
        return b"{}"

    def provenance(self, *_: object) -> tuple[bytes, bytes | None]:
        return b"{}", None
