"""Ends a build request: a waiting one is completed, a build of it is stopped.

Buildbot's own control message for this (`control.buildrequests.N.cancel`) is not used: met by a build that is just being
started, Buildbot 4 leaves that build without a step and without an end, and its worker's place taken, until the master is
restarted (`Build.startBuild` returns where the request was cancelled in the meantime). A build that is on record can be
stopped safely; a request in between is left alone for the moment, as the bridge asks again.
"""

from __future__ import annotations

from typing import Any, Final

from buildbot.db.buildrequests import AlreadyClaimedError
from buildbot.process.results import CANCELLED
from twisted.internet import defer, task

from bridge.master import rows

_LOOKS: Final = 10
_PAUSE: Final = 0.2
"""Seconds between two looks for the build of a request that a master is about to start."""


async def end(master: Any, request_id: int, reason: str) -> None:
    """Have the request end CANCELLED; what a master has to do for it is only asked for here."""
    for look in range(_LOOKS):
        running = await _running(master, request_id)
        for build_id in running:
            master.mq.produce(("control", "builds", str(build_id), "stop"), {"reason": reason})
        if running or await _completed(master, request_id):
            return
        if look < _LOOKS - 1:
            await task.deferLater(master.reactor, _PAUSE, lambda: None)


async def _running(master: Any, request_id: int) -> list[int]:
    found = await rows.fetch(master, [rows.builds_of(master.db.model, [request_id])])
    return [row.id for row in found if row.complete_at is None]


async def _completed(master: Any, request_id: int) -> bool:
    """Complete a request that nobody has claimed; False when somebody has, which is to say that its build is coming."""
    try:
        await defer.maybeDeferred(master.db.buildrequests.claimBuildRequests, brids=[request_id])
    except AlreadyClaimedError:
        return False
    await defer.maybeDeferred(master.data.updates.completeBuildRequests, [request_id], CANCELLED)
    told = await defer.maybeDeferred(master.db.buildrequests.getBuildRequest, request_id)
    master.mq.produce(("buildrequests", str(request_id), "cancel"), told)
    return True
