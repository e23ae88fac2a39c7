"""Claims are kept alive from memory while the database is away, or has lost their rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from bridge.core import faults
from bridge.core.run import RunKey
from bridge.engine.engine import Engine

GIVEN_UP: Final = timedelta(minutes=10)
"""Two of the sweeps that make lost rows anew: a run that they do not find is known to nobody, and its claim has to end."""


@dataclass(frozen=True, slots=True)
class Guardian:
    """Renews claims of runs whose credentials this process has, when no row can be read to say that they are due.

    A claim is normally renewed after a third of its time; one that is half over is late. If its row can be read that is
    the row's business. If not, as after a failover that lost it, renewing is safe: it needs no decision (the run was
    claimed, under a stored phase, by us), it changes nothing but the claim's end, and the queue refuses it once the run is
    resolved. What is missed in the rows, the next read of the status puts back.
    """

    engine: Engine
    _lost: dict[RunKey, datetime] = field(default_factory=dict)
    """Runs that we have credentials of and that have no row in a database that answers; since when."""

    async def guard(self) -> int:
        """Renew what is late and has no row that can be read, away or lost; how many claims were renewed.

        What is remembered of runs whose claims are over goes too.
        """
        self.engine.memory.keep(self.engine.queue.holds)
        return sum([await self._renewed(key) for key in await self._untended(self.engine.queue.half_over())])

    async def _untended(self, late: list[RunKey]) -> list[RunKey]:
        try:
            rows = {key: await self._has_row(key) for key in late}
        except faults.Unavailable:
            return late
        for key in [key for key in self._lost if rows.get(key) or not self.engine.queue.holds(key)]:
            del self._lost[key]
        now = self.engine.clock.now()
        return [key for key, there in rows.items() if not there and now - self._lost.setdefault(key, now) < GIVEN_UP]

    async def _has_row(self, key: RunKey) -> bool:
        try:
            return key.run_id in await self.engine.runs.of_task(key.task_id)
        except faults.Newer:
            return True

    async def _renewed(self, key: RunKey) -> bool:
        try:
            await self.engine.queue.reclaim(key)
        except faults.Conflicting:
            # Resolved; or past its deadline, where a verdict is still taken. A read of the status tells the row.
            return False
        except (faults.NotAllowed, faults.Missing):
            self.engine.queue.forget(key)  # of no use any more
            return False
        except faults.Fault as fault:
            self.engine.observer.away("taskcluster", fault)
            return False
        return True
