"""Tells a build that the stopping master ended from one that a person cancelled; both end CANCELLED.

Buildbot asks for RETRY when it stops, but the interrupted step's CANCELLED is the worse result and wins, and the
request is complete with it (buildbot#6029). Two witnesses remain. The step that was interrupted keeps a log with the
reason of the first interruption, which is the true one even where a cancel and a stop met. And the plugin, alive
until the last build has ended, leaves build data on the build: quick to read, and there also when no step was running.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final

from bridge.master import rows

MASTER_SHUTDOWN: Final = "master-shutdown"
_REASON: Final = "Master Shutdown"
_REMEMBERED: Final = 10_000


class Interruptions:
    """Who ended a cancelled build; an answer never changes, so it is remembered."""

    def __init__(self) -> None:
        self._known: OrderedDict[int, str | None] = OrderedDict()

    async def of(self, master: Any, cancelled: Sequence[Any]) -> dict[int, str | None]:
        """Give for each row of a cancelled build `MASTER_SHUTDOWN` or None."""
        causes = {row.id: _from_mark(row.mark) or self._known.get(row.id) for row in cancelled}
        unknown = [each for each, cause in causes.items() if cause is None and each not in self._known]
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


async def mark(master: Any, build_id: int, stopped_reason: str | None) -> None:
    """Leave the mark on a build that has just ended CANCELLED while the master stops, if the stop is the cause."""
    logged = await logged_reasons(master, [build_id])
    if logged.get(build_id, stopped_reason) != _REASON:
        return
    value = json.dumps({"interrupted": MASTER_SHUTDOWN}).encode()
    await master.data.updates.setBuildData(build_id, rows.MARK, value, "buildbot-bridge")
