"""Claims are kept alive from memory while the database is away."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.core import faults
from bridge.core.run import RunKey
from bridge.engine.engine import Engine


@dataclass(frozen=True, slots=True)
class Guardian:
    """Renews claims of runs whose credentials this process has, when no row can be read to say that they are due.

    A claim is normally renewed after a third of its time; one that is half over is late. If rows can be read that is
    their business. If not, renewing is safe: it needs no decision (the run was claimed, under a stored phase, by us), it
    changes nothing but the claim's end, and the queue refuses it once the run is resolved. What is missed in the rows,
    the next read of the status puts back.
    """

    engine: Engine

    async def guard(self) -> int:
        """Renew what is late, if the database is away; how many claims were renewed."""
        late = self.engine.queue.half_over()
        if not late or await self._rows_can_be_read(late[0]):
            return 0
        return sum([await self._renewed(key) for key in late])

    async def _rows_can_be_read(self, key: RunKey) -> bool:
        try:
            await self.engine.runs.of_task(key.task_id)
        except faults.Unavailable:
            return False
        return True

    async def _renewed(self, key: RunKey) -> bool:
        try:
            await self.engine.queue.reclaim(key)
        except faults.Conflicting:
            return (
                False  # resolved, or past its deadline, where a verdict is still taken; the rows are told by a status read
            )
        except (faults.NotAllowed, faults.Missing):
            self.engine.queue.forget(key)  # of no use any more
            return False
        except faults.Fault as fault:
            self.engine.observer.away("taskcluster", fault)
            return False
        return True
