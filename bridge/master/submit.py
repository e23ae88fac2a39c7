"""Makes the one build request of a run, however often it is asked for.

The external id has no unique index in Buildbot's schema, and must not get one: the Rebuild button copies it. So what
keeps a run single is the order of three steps under a lock of its own in this process: look up, count, insert. With
several masters all submissions therefore go to the plugin of one of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from twisted.internet import defer

from bridge.master import rows
from bridge.master.refusal import Conflict, NotReady, QueueFull, UnknownBuilder
from bridge.master.states import Requests
from bridge.master.wire import RunKey, Submission


@dataclass(frozen=True, slots=True)
class Submitted:
    created: bool
    external_id: str
    buildset_id: int
    request_id: int
    builder: str

    def as_json(self) -> dict[str, object]:
        return {
            "created": self.created,
            "external_id": self.external_id,
            "buildsetid": self.buildset_id,
            "buildrequestid": self.request_id,
            "builder": self.builder,
        }


class Locks:
    """A lock for each name in use; a name nobody holds or waits for takes no memory."""

    def __init__(self) -> None:
        self._locks: dict[str, defer.DeferredLock] = {}
        self._users: Counter[str] = Counter()

    @asynccontextmanager
    async def holding(self, name: str) -> AsyncIterator[None]:
        lock = self._locks.setdefault(name, defer.DeferredLock())
        self._users[name] += 1
        try:
            await lock.acquire()
            try:
                yield
            finally:
                lock.release()
        finally:
            self._users[name] -= 1
            if not self._users[name]:
                del self._users[name], self._locks[name]


class Desk:
    """Where submissions are taken; one for the life of the master's process."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests
        self._runs = Locks()
        self._queues = Locks()

    async def submit(self, master: Any, key: RunKey, wish: Submission, *, is_open: bool, limit: int) -> Submitted:
        """Give the run's request, made now or before; raises Conflict, UnknownBuilder, NotReady or QueueFull."""
        async with self._runs.holding(str(key)):
            # Before all else: a run that has its request gets it even when the queue is full or the builder closed.
            row = await self._requests.row(master, key, wish.not_before)
            if row is not None:
                return _existing(row, key, wish)
            builder_id = await _builder_id(master, wish.builder, is_open=is_open)
            async with self._queues.holding(wish.builder):
                await _refuse_beyond(master, wish.builder, builder_id, limit)
                return await _insert(master, key, wish, builder_id)


def _existing(row: Any, key: RunKey, wish: Submission) -> Submitted:
    if row.builder != wish.builder:
        raise Conflict(f"run {key} has build request {row.id} on builder {row.builder!r} already")
    return Submitted(False, str(key), row.buildsetid, row.id, row.builder)


async def _builder_id(master: Any, name: str, *, is_open: bool) -> int:
    if not is_open:
        raise UnknownBuilder(f"builder {name!r} is not open to the bridge: no pattern in `builders` matches it")
    found = await rows.fetch(master, [rows.configured_builder(master.db.model, name)])
    if not found and master.botmaster.shuttingDown:
        # A master that ends takes itself off all its builders while its web server still answers.
        raise NotReady("the master is stopping", retry_after=5)
    if not found:
        raise UnknownBuilder(f"builder {name!r} is not configured in any running master")
    return int(found[0].id)


async def _refuse_beyond(master: Any, name: str, builder_id: int, limit: int) -> None:
    (row,) = await rows.fetch(master, [rows.pending(master.db.model, builder_id)])
    if row[0] >= limit:
        message = f"builder {name!r} has {row[0]} pending requests, and `max_pending` allows {limit}"
        raise QueueFull(message, retry_after=15)


async def _insert(master: Any, key: RunKey, wish: Submission, builder_id: int) -> Submitted:
    # This is what `data.updates.addBuildset` does, less its BuildRequestCollapser. The collapser reads every pending
    # request of the builder, several queries each, on every submission; and it could swallow a run into another.
    # The first call is one transaction. A crash after it heals itself: a starting master looks at all unclaimed ones.
    buildset_id, request_ids = await master.db.buildsets.addBuildset(
        sourcestamps=[dict(stamp) for stamp in wish.sourcestamps],
        reason=wish.reason,
        properties=wish.properties,
        builderids=[builder_id],
        waited_for=False,
        external_idstring=str(key),
        priority=wish.priority,
    )
    await master.data.getResourceType("buildrequest").generateEvent(list(request_ids.values()), "new")
    await _announce(master, buildset_id)
    return Submitted(True, str(key), buildset_id, request_ids[builder_id], wish.builder)


async def _announce(master: Any, buildset_id: int) -> None:
    """Produce the event of a new buildset, which reporters and the web pages listen to."""
    buildset = await master.data.get(("buildsets", str(buildset_id)))
    master.data.getResourceType("buildset").produceEvent(buildset | {"scheduler": "taskcluster"}, "new")
