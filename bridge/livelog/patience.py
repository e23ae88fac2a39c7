"""A reader's patience with a Buildbot that does not answer for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from bridge.core import faults
from bridge.core.record import BuildRecord, LogPiece
from bridge.engine.transcript import Reading

T = TypeVar("T")
AWAY: Final = "[the log goes on when Buildbot answers again]"
_FIRST, _LONGEST = 1.0, 15.0  # seconds between two tries; they double


@dataclass(frozen=True, slots=True)
class Patient:
    """Reads as `builds` does, but tries again after `Unavailable`, until it has lasted for `outage` seconds.

    `wait` waits for some seconds; `say` tells the reader, once for each outage.
    """

    builds: Reading
    wait: Callable[[float], Awaitable[None]]
    say: Callable[[str], Awaitable[None]]
    outage: float

    async def record(self, build_id: int) -> BuildRecord:
        """Read the build."""
        return await self._tried(partial(self.builds.record, build_id))

    async def log_piece(self, build_id: int, log_id: int, first_line: int) -> LogPiece:
        """Read lines of a log."""
        return await self._tried(partial(self.builds.log_piece, build_id, log_id, first_line))

    async def _tried(self, call: Callable[[], Awaitable[T]]) -> T:
        try:
            return await call()
        except faults.Unavailable as fault:
            await self.say(AWAY)
            return await self._tried_again(call, fault)

    async def _tried_again(self, call: Callable[[], Awaitable[T]], fault: faults.Unavailable) -> T:
        wait, end = _FIRST, _now() + self.outage
        while True:
            await self.wait(max(wait, fault.retry_after or 0.0))
            wait = min(_LONGEST, wait * 2)
            try:
                return await call()
            except faults.Unavailable as again:
                if _now() >= end:
                    raise
                fault = again


def _now() -> float:
    return asyncio.get_running_loop().time()
