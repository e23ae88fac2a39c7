"""Readers of one build share what is read of it.

However many follow a build, its record is read once in `poll` seconds, and each piece of a log once for all who are at the
same place of it. Who starts later reads from the top, with calls of its own where nobody else has just been. The more builds
are followed, the more seldom each is looked at: what tasks depend on comes first at a Buildbot.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Protocol, TypeVar

from bridge.core import faults
from bridge.core.record import BuildRecord, LogPiece
from bridge.engine.ports import Properties, Redact
from bridge.engine.transcript import Reading
from bridge.livelog.address import Build, Grant

T = TypeVar("T")
KEPT: Final = 8 << 20
"""Characters of logs that are kept for readers who follow closely behind."""

LOOKS: Final = 5.0
"""Records that are read in a second for all followers together."""


class Flights:
    """Callers who want the same thing at the same time share one call; one that is cancelled leaves the others alone."""

    def __init__(self) -> None:
        self._flying: dict[Hashable, asyncio.Task[Any]] = {}

    async def get(self, key: Hashable, call: Callable[[], Awaitable[T]]) -> T:
        """Give what `call` gives, or what a call for the same key that is on its way will; a fault goes to all."""
        task = self._flying.get(key)
        if task is None:
            task = self._flying[key] = asyncio.create_task(_called(call))
            task.add_done_callback(partial(self._landed, key))
        answer: T = await asyncio.shield(task)
        return answer

    def _landed(self, key: Hashable, task: asyncio.Task[Any]) -> None:
        del self._flying[key]
        if not task.cancelled():
            task.exception()  # read here: callers that were cancelled will not

    async def end(self) -> None:
        """Cancel the calls that are on their way."""
        for task in (tasks := list(self._flying.values())):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _called(call: Callable[[], Awaitable[T]]) -> T:
    return await call()


@dataclass(slots=True)
class Pieces:
    """The pieces that were read last, up to `KEPT` characters in all."""

    _kept: OrderedDict[Hashable, LogPiece] = field(default_factory=OrderedDict)
    _size: int = 0

    def get(self, key: Hashable) -> LogPiece | None:
        """Give the piece, if it is still kept."""
        return self._kept.get(key)

    def keep(self, key: Hashable, piece: LogPiece) -> None:
        """Keep a piece that has lines: they will never change. Whether more follow must be asked anew."""
        if not piece.text or key in self._kept:
            return
        self._kept[key] = piece
        self._size += len(piece.text)
        while self._size > KEPT:
            _, old = self._kept.popitem(last=False)
            self._size -= len(old.text)


def _nothing(_text: str) -> str:
    """Before the build's properties are known nothing is shown."""
    return ""


def _steps(record: BuildRecord) -> tuple[int, int]:
    return len(record.steps), sum(step.complete_at is not None for step in record.steps)


class Watched(Reading, Protocol):
    """Where running builds are read."""

    async def properties(self, build_id: int) -> Properties:
        """Read a build's properties as they are now."""


@dataclass(slots=True)
class Shared:
    """One build as all its readers see it. Raises `Missing` if the build with its id is another than the one granted.

    `redactor` makes what masks secrets, from the build's properties, which are read anew when a step begins or ends.

    `pace` says how many seconds are between two looks now. After a fault nobody asks again for as long: all are given the
    same fault.
    """

    builds: Watched
    redactor: Callable[[Properties], Redact]
    grant: Grant
    pace: Callable[[], float]
    flights: Flights
    pieces: Pieces
    readers: int = 0
    _record: BuildRecord | None = None
    _mask: Redact = _nothing
    _fault: faults.Unavailable | None = None
    _asked: float = 0.0

    @property
    def due(self) -> float:
        """Seconds until asking again may bring something new."""
        return max(0.0, self._asked + self.pace() - _now())

    async def record(self, build_id: int) -> BuildRecord:
        """Read the build, or give what was read lately."""
        self._spared()
        if self._record is None or not self.due:
            return await self.flights.get((self.grant.build, "record"), partial(self._read, build_id))
        return self._record

    async def log_piece(self, build_id: int, log_id: int, first_line: int) -> LogPiece:
        """Read lines of a log."""
        key = (self.grant.build, log_id, first_line)
        if (kept := self.pieces.get(key)) is not None:
            return kept
        self._spared()
        piece = await self.flights.get(
            key, partial(self._tried, partial(self.builds.log_piece, build_id, log_id, first_line))
        )
        self.pieces.keep(key, piece)
        return piece

    async def _read(self, build_id: int) -> BuildRecord:
        record = await self._tried(partial(self.builds.record, build_id))
        if record.external_id != self.grant.external_id:
            raise faults.Missing(f"build {build_id} is another one now")
        if self._record is None or _steps(self._record) != _steps(record):
            self._mask = self.redactor(await self._tried(partial(self.builds.properties, build_id)))
        self._record, self._asked = record, _now()
        return record

    def redact(self, text: str) -> str:
        """Mask what must not be shown, by what is known of the build."""
        return self._mask(text)

    async def _tried(self, call: Callable[[], Awaitable[T]]) -> T:
        try:
            return await call()
        except faults.Unavailable as fault:
            self._fault, self._asked = fault, _now()
            raise

    def _spared(self) -> None:
        """Raise the last fault again while it is new."""
        if self._fault is not None and self.due:
            raise faults.Unavailable(str(self._fault), retry_after=self._fault.retry_after)
        self._fault = None


@dataclass(slots=True)
class Sharing:
    """All builds that are read now; each is looked at once in `poll` seconds, or more seldom if there are many."""

    poll: float
    flights: Flights = field(default_factory=Flights)
    _pieces: Pieces = field(default_factory=Pieces)
    _builds: dict[Build, Shared] = field(default_factory=dict)

    @contextmanager
    def of(self, grant: Grant, builds: Watched, redactor: Callable[[Properties], Redact]) -> Iterator[Shared]:
        """Give the build, shared with whoever else reads it."""
        shared = self._builds.setdefault(
            grant.build, Shared(builds, redactor, grant, self._pace, self.flights, self._pieces)
        )
        shared.readers += 1
        try:
            yield shared
        finally:
            shared.readers -= 1
            if not shared.readers:
                del self._builds[grant.build]

    def _pace(self) -> float:
        return max(self.poll, len(self._builds) / LOOKS)


def _now() -> float:
    return asyncio.get_running_loop().time()
