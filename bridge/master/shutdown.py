"""Tells a build that the stopping master ended from one that a person cancelled; both end CANCELLED.

Buildbot asks for RETRY when it stops, but the interrupted step's CANCELLED is the worse result and wins, and the
request is complete with it (buildbot#6029). Two witnesses remain. The step that was interrupted keeps a log with the
reason of the first interruption of a step. And the plugin, alive until the last build has ended, leaves build data on
the build: quick to read, and there also when no step was running. Where a cancel and the master's stop met between two
steps, Buildbot keeps the later reason only; so the plugin hears each order to stop a build, and the first one counts.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final

from bridge.master import rows

MASTER_SHUTDOWN: Final = "master-shutdown"
_REASON: Final = "Master Shutdown"
_STOPPED: Final = "stop"
STOP_KEY: Final = ("control", "builds", None, "stop")
"""On what key of the master's queue an order to stop a build comes, whoever gives it; a stopping master sends none."""
_REMEMBERED: Final = 10_000


class Orders:
    """The builds that somebody ordered to stop before the master began to stop."""

    def __init__(self) -> None:
        self._builds: OrderedDict[int, None] = OrderedDict()

    def note(self, master: Any, key: Sequence[str]) -> None:
        """Remember one order; given while the master stops, it comes too late to be the cause."""
        if master.botmaster.shuttingDown or not key[2].isdecimal():
            return
        self._builds[int(key[2])] = None
        if len(self._builds) > _REMEMBERED:
            self._builds.popitem(last=False)

    def stopped(self, build_id: int) -> bool:
        """Say whether such an order was given for this build."""
        return build_id in self._builds


class Interruptions:
    """Who ended a cancelled build; an answer never changes, so it is remembered."""

    def __init__(self) -> None:
        self._known: OrderedDict[int, str | None] = OrderedDict()

    async def of(self, master: Any, cancelled: Sequence[Any]) -> dict[int, str | None]:
        """Give for each row of a cancelled build `MASTER_SHUTDOWN` or None."""
        causes = {row.id: _from_mark(row.mark) or self._known.get(row.id) for row in cancelled}
        unmarked = [row.id for row in cancelled if row.mark is None]
        unknown = [each for each in unmarked if each not in self._known]
        found = await logged_reasons(master, unknown)
        for build_id in unknown:
            cause = MASTER_SHUTDOWN if found.get(build_id) == _REASON else None
            self._remember(build_id, cause)
            causes[build_id] = cause
        return causes

    def _remember(self, build_id: int, cause: str | None) -> None:
        self._known[build_id] = cause
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)


def _from_mark(value: bytes | None) -> str | None:
    if value is None:
        return None
    return MASTER_SHUTDOWN if json.loads(value).get("interrupted") == MASTER_SHUTDOWN else None


async def logged_reasons(master: Any, build_ids: Sequence[int]) -> dict[int, str]:
    """Give the reason of the first interrupted step of each build; builds without one are left out."""
    statements = [rows.cancelled_logs_of(master.db.model, batch) for batch in rows.batches(build_ids)]
    reasons: dict[int, str] = {}
    for row in await rows.fetch(master, statements):
        if row.buildid not in reasons:
            reasons[row.buildid] = await _line(master, row)
    return reasons


async def _line(master: Any, row: Any) -> str:
    if row.content is not None and row.compressed == 0:
        return bytes(row.content).decode("utf-8", "replace").strip()
    text: str = await master.db.logs.getLogLines(row.id, 0, 0)
    return text.strip()


async def mark(master: Any, build_id: int, ordered: bool, stopped_reason: str | None) -> None:
    """Leave on a build that has just ended CANCELLED while the master stops whether that stop is the cause."""
    if ordered:
        return await _leave(master, build_id, _STOPPED)
    logged = await logged_reasons(master, [build_id])
    if logged.get(build_id, stopped_reason) == _REASON:
        await _leave(master, build_id, MASTER_SHUTDOWN)
    return None


async def _leave(master: Any, build_id: int, cause: str) -> None:
    value = json.dumps({"interrupted": cause}).encode()
    await master.data.updates.setBuildData(build_id, rows.MARK, value, "buildbot-bridge")
