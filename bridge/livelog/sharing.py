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
from typing import Final, Protocol, TypeVar

from bridge.core import faults
from bridge.core.record import BuildRecord, LogPiece
from bridge.engine.ports import Properties, Redact
from bridge.engine.transcript import Reading
from bridge.flights import Flights
from bridge.livelog.address import Build, Grant

T = TypeVar("T")
KEPT: Final = 8 << 20
"""Characters of logs that are kept for readers who follow closely behind."""
LOOKS: Final = 4.0
"""Looks in a second at all builds that are followed; each is a call, or two if something is new."""
TURNS: Final = 2
"""Pieces of logs that are read at once from one Buildbot: the uploads that tasks wait for take the same way."""


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


class Watched(Reading, Protocol):
    """Where running builds are read."""

    async def properties(self, build_id: int) -> Properties:
        """Read a build's properties as they are now."""


@dataclass(slots=True, eq=False)
class Shared:
    """One build as all its readers see it. Raises `Missing` if the build with its id is another than the one granted.

    `redactor` makes what masks secrets from the build's properties. They are read with every record that tells news: lines
    that a record shows are masked by properties that are no older than it.

    `pace` says how many seconds are between two looks now. After a fault nobody asks again for as long: all are given the
    same fault.
    """

    builds: Watched
    redactor: Callable[[Properties], Redact]
    grant: Grant
    pace: Callable[[], float]
    flights: Flights
    pieces: Pieces
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(TURNS))
    readers: int = 0
    _record: BuildRecord | None = None
    _mask: Redact = _nothing
    _masked: tuple[str, str] = ("", "")
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
            return await self.flights.get(self, partial(self._read, build_id))
        return self._record

    async def log_piece(self, build_id: int, log_id: int, first_line: int) -> LogPiece:
        """Read lines of a log."""
        key = (self.grant.build, log_id, first_line)
        if (kept := self.pieces.get(key)) is not None:
            return kept
        self._spared()
        piece = await self.flights.get(key, partial(self._read_piece, build_id, log_id, first_line))
        self.pieces.keep(key, piece)
        return piece

    async def _read_piece(self, build_id: int, log_id: int, first_line: int) -> LogPiece:
        async with self.turns:
            return await self._tried(partial(self.builds.log_piece, build_id, log_id, first_line))

    async def _read(self, build_id: int) -> BuildRecord:
        record = await self._tried(partial(self.builds.record, build_id))
        if record.external_id != self.grant.external_id:
            raise faults.Missing(f"build {build_id} is another one now")
        if record != self._record:
            self._mask = self.redactor(await self._tried(partial(self.builds.properties, build_id)))
            self._masked = "", ""
        self._record, self._asked = record, _now()
        return record

    def redact(self, text: str) -> str:
        """Mask what must not be shown, by what is known of the build; once for readers who are at the same place."""
        if self._masked[0] != text:
            self._masked = text, self._mask(text)
        return self._masked[1]

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
    _turns: dict[int, asyncio.Semaphore] = field(default_factory=dict)

    @contextmanager
    def of(self, grant: Grant, builds: Watched, redactor: Callable[[Properties], Redact]) -> Iterator[Shared]:
        """Give the build, shared with whoever else reads it."""
        shared = self._builds.get(grant.build)
        if shared is None:
            # Pools of one Buildbot have one object between them, which lives as long as the service.
            turns = self._turns.setdefault(id(builds), asyncio.Semaphore(TURNS))
            shared = Shared(builds, redactor, grant, self._pace, self.flights, self._pieces, turns)
            self._builds[grant.build] = shared
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
