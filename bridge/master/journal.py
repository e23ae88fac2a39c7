"""Writes the ring while the master works, and lets a listener wait at its end."""

from __future__ import annotations

import uuid
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final

from twisted.internet import defer

from bridge.master import rows
from bridge.master.ring import Happening, Ring
from bridge.master.wire import ChangesQuery, is_run_key

SIZE: Final = 20_000
MAX_CHANGES: Final = 1_000
_GATHER: Final = 0.02
"""Seconds between a happening and the waking of those who wait, so that a burst wakes them once."""

# Each event is produced on several keys; these give each of them once.
_EVENTS: Final = {
    ("buildrequests", "new"): "request.created",
    ("buildrequests", "claimed"): "request.claimed",
    ("buildrequests", "unclaimed"): "request.unclaimed",
    ("buildrequests", "complete"): "request.completed",
    ("builds", "new"): "build.started",
    ("builds", "finished"): "build.finished",
}
KEYS: Final = [(kind, None, event) for kind, event in _EVENTS]
_CARRY_RESULTS: Final = {"request.completed", "build.finished"}

Json = dict[str, Any]


class Journal:
    """The ring of one master process, under an epoch of its own; a reconfig leaves it as it is."""

    def __init__(self) -> None:
        self.ring = Ring(uuid.uuid4().hex, SIZE)
        self._waiting: set[defer.Deferred[None]] = set()
        self._names: OrderedDict[int, str | None] = OrderedDict()
        self._alarm: Any = None
        self._closed = False

    def note(self, master: Any, key: Sequence[str], message: Any) -> None:
        """Append one message of the master's queue; called inside its `produce`, so it does nothing else."""
        event = _EVENTS[(key[0], key[-1])]
        build = message if key[0] == "builds" else {}
        self.ring.append(
            Happening(
                at=int(master.reactor.seconds()),
                event=event,
                request_id=message["buildrequestid"],
                builder_id=message["builderid"],
                results=message["results"] if event in _CARRY_RESULTS else None,
                master_stopping=bool(master.botmaster.shuttingDown),
                build_id=build.get("buildid"),
                number=build.get("number"),
                state_string=build.get("state_string"),
            )
        )
        if self._waiting and self._alarm is None:
            self._alarm = master.reactor.callLater(_GATHER, self.wake)

    def close(self) -> None:
        """Answer all who wait with what there is; nobody waits from now on."""
        self._closed = True
        self.wake()

    def wake(self) -> None:
        """Let all who wait look again, now."""
        alarm, self._alarm = self._alarm, None
        if alarm is not None and alarm.active():
            alarm.cancel()
        waiting, self._waiting = self._waiting, set()
        for each in waiting:
            each.callback(None)

    async def changes(self, master: Any, query: ChangesQuery) -> Json:
        """Give what happened to our requests after `query.after`, waiting for it up to `query.wait` seconds."""
        deadline = master.reactor.seconds() + query.wait
        after = query.after
        while True:
            if not self.ring.knows(query.epoch, after):
                return {"epoch": self.ring.epoch, "seq": self.ring.seq, "resync": True, "changes": []}
            news = self.ring.since(after, MAX_CHANGES)
            ours = await self._ours(master, news)
            after = news[-1][0] if news else after
            left = deadline - master.reactor.seconds()
            if ours or left <= 0 or self._closed:
                return {"epoch": self.ring.epoch, "seq": after, "resync": False, "changes": ours}
            if after == self.ring.seq:
                await self._more(master, left)

    async def _more(self, master: Any, seconds: float) -> None:
        waiter: defer.Deferred[None] = defer.Deferred()
        self._waiting.add(waiter)
        try:
            await waiter.addTimeout(seconds, master.reactor)
        except defer.TimeoutError:
            pass
        finally:
            self._waiting.discard(waiter)

    async def _ours(self, master: Any, news: Sequence[tuple[int, Happening]]) -> list[Json]:
        ids = {each.request_id for _, each in news}
        names = await self._named(master, ids)
        return [_change(seq, each, name) for seq, each in news if (name := names[each.request_id]) is not None]

    async def _named(self, master: Any, ids: set[int]) -> dict[int, str | None]:
        """Give the run's name of each request, None for a request that is not ours; neither ever changes."""
        names = {each: self._names[each] for each in ids if each in self._names}
        unknown = sorted(ids - names.keys())
        statements = [rows.names_of(master.db.model, batch) for batch in rows.batches(unknown)]
        found = {row.id: row.external_idstring for row in await rows.fetch(master, statements)}
        for each in unknown:
            name = found.get(each)
            names[each] = self._names[each] = name if is_run_key(name) else None
        while len(self._names) > SIZE:
            self._names.popitem(last=False)
        return names


def _change(seq: int, happening: Happening, external_id: str) -> Json:
    change: Json = {
        "seq": seq,
        "at": happening.at,
        "event": happening.event,
        "external_id": external_id,
        "buildrequest": happening.request_id,
        "builderid": happening.builder_id,
        "results": happening.results,
        "master_stopping": happening.master_stopping,
    }
    if happening.build_id is not None:
        change |= {
            "buildid": happening.build_id,
            "number": happening.number,
            "state_string": happening.state_string,
        }
    return change
