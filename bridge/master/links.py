"""Puts the link to its Taskcluster task into the summary of a build of the bridge, when its first step begins."""

from __future__ import annotations

import json
from typing import Any, Final

from twisted.internet import defer
from twisted.python import log

from bridge.master import record_rows, rows

STEP_KEY: Final = ("steps", None, "started")
"""On what key of the master's queue the begin of a step comes."""
NAME: Final = "Taskcluster task"
PROPERTY: Final = "taskcluster_task_url"
"""It holds the address; the bridge sends it with its request. A request without it gets no link."""
_LONGEST: Final = 2_000


def note(master: Any, message: Any) -> defer.Deferred[None] | None:
    """Hear of a step that begins. A build without its link is still a build: trouble is only logged."""
    if message["number"] != 0:
        return None
    linking = defer.Deferred.fromCoroutine(_link(master, message["buildid"], message["stepid"]))
    return linking.addErrback(log.err, "while linking a build to its task")


async def _link(master: Any, build_id: int, step_id: int) -> None:
    # Of the request's own properties, which no step changes; those of the build are stored a moment later.
    found = await rows.fetch(master, [record_rows.request_property(master.db.model, build_id, PROPERTY)])
    address = json.loads(found[0].property_value)[0] if found else None
    if is_address(address):
        await master.data.updates.addStepURL(step_id, NAME, address)


def is_address(value: object) -> bool:
    """Whether a value is the address of a web page, and nothing that a browser would run."""
    return isinstance(value, str) and value.startswith(("https://", "http://")) and len(value) <= _LONGEST
