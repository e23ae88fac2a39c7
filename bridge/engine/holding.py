"""A row's lease, kept for as long as the work that it protects takes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Self

from bridge.core import faults
from bridge.core.lease import trusted
from bridge.core.run import Run, RunKey
from bridge.engine.ports import Clock, Runs

RENEW = 10.0
"""Seconds between two renewals; a lease is trusted for twenty."""


@dataclass(frozen=True, slots=True)
class Leased:
    """A row and the time before its lease was asked for."""

    run: Run
    asked_at: datetime


@dataclass(slots=True)
class Hold:
    """Renews a lease every ten seconds while a long command, as the upload of a log, goes on.

    Where that cannot be done the trust in the lease runs out, and the run is given back at the next step.
    """

    runs: Runs
    clock: Clock
    me: str
    key: RunKey
    asked_at: datetime
    every: float = RENEW
    _over: bool = False
    _timer: asyncio.TimerHandle | None = None
    _renewal: asyncio.Task[None] | None = field(default=None)

    @property
    def trusted(self) -> bool:
        """Whether the lease may still be acted on."""
        return trusted(self.asked_at, self.clock.now())

    async def __aenter__(self) -> Self:
        self._later()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Renew no more. A renewal under way is waited for: coming after the release it would lease the row for nobody."""
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
        if self._renewal is not None:
            await self._renewal

    def _later(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self.every, self._begin)

    def _begin(self) -> None:
        self._renewal = asyncio.create_task(self._renew(), name=f"renew {self.key}")

    async def _renew(self) -> None:
        at = self.clock.now()
        try:
            if await self.runs.lease(self.key, self.me) is not None:
                self.asked_at = at
        except faults.Unavailable:
            pass  # the database is away; what the run owes next is done by whoever has the lease then
        if not self._over:
            self._later()
