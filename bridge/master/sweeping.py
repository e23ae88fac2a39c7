"""Removes from the spool what nobody came for."""

from __future__ import annotations

from typing import Any, Final

from twisted.internet import defer, task, threads
from twisted.python import log

from bridge.master import record_rows, rows
from bridge.master.spool import Spool

_EVERY: Final = 3600.0
"""Seconds between two looks."""
_DAY: Final = 86_400


class Sweeper:
    """Looks at the spool when it is started and from time to time, until it is stopped."""

    def __init__(self, master: Any, spool: Spool, days: float) -> None:
        self._master, self._spool, self._days = master, spool, days
        self._loop = task.LoopingCall(self._sweep)
        self._loop.clock = master.reactor

    def start(self) -> None:
        self._loop.start(_EVERY).addErrback(log.err, "while sweeping the spool")

    def stop(self) -> None:
        if self._loop.running:
            self._loop.stop()

    def _sweep(self) -> defer.Deferred[None]:
        # A fault of one look must not end the loop.
        return defer.Deferred.fromCoroutine(self.sweep()).addErrback(log.err, "while sweeping the spool")

    async def sweep(self) -> None:
        """Remove what is older than the days allowed, by its last change and by the end of its build."""
        await threads.deferToThread(self._spool.measure)
        before = int(self._master.reactor.seconds() - self._days * _DAY)
        old = await threads.deferToThread(self._spool.older_than, before)
        # A build may run for longer than that, and what it gave away first is not old before it ends.
        model = self._master.db.model
        young = await rows.fetch(
            self._master, [record_rows.not_over_before(model, batch, before) for batch in rows.batches(old)]
        )
        for build_id in sorted(set(old) - {row.id for row in young}):
            log.msg(f"buildbot-bridge: nobody took the files of build {build_id} from the spool: removed")
            await threads.deferToThread(self._spool.remove, build_id)
