"""The requests and builds of the ledger, and what changed of them. Pure: time is an argument, in seconds since 1970."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
EPOCH = "ledger"
RING = 100_000
BUILDER_ID = 1
WORKER = "ledger-1"
SUCCESS = 0


@dataclass(slots=True)
class Entry:
    """One request and its build; they have the same number."""

    id: int
    key: str
    builder: str
    priority: int
    submitted: float
    started: float | None = None
    ended: float | None = None
    properties: Json = field(default_factory=dict)

    def state(self) -> Json:
        """The request as a read shows it."""
        over = self.ended is not None
        return {
            "buildrequestid": self.id,
            "external_id": self.key,
            "builder": self.builder,
            "priority": self.priority,
            "claimed": self.started is not None,
            "complete": over,
            "results": SUCCESS if over else None,
            "submitted_at": int(self.submitted),
            "complete_at": int(self.ended) if self.ended is not None else None,
            "interrupted": None,
            "builds": [self.build()] if self.started is not None else [],
        }

    def build(self) -> Json:
        over = self.ended is not None
        return {
            "buildid": self.id,
            "number": self.id,
            "builderid": BUILDER_ID,
            "worker": WORKER,
            "workerid": 1,
            "started_at": int(self.started or 0),
            "complete_at": int(self.ended) if self.ended is not None else None,
            "results": SUCCESS if over else None,
            "state_string": "build successful" if over else "building",
            "interrupted": None,
        }


class Book:
    """All requests of one ledger."""

    def __init__(self) -> None:
        self.entries: dict[int, Entry] = {}
        self.by_key: dict[str, Entry] = {}
        self.seq = 0
        self._ring: deque[Json] = deque(maxlen=RING)

    def submit(self, key: str, body: Json, at: float) -> tuple[Entry, bool]:
        """The key's request, and whether it was made now."""
        if (known := self.by_key.get(key)) is not None:
            return known, False
        entry = Entry(
            len(self.entries) + 1, key, body["builder"], body.get("priority", 0), at, properties=body["properties"]
        )
        self.entries[entry.id] = self.by_key[key] = entry
        self._tell(entry, "request.created", at)
        return entry, True

    def start(self, entry: Entry, at: float) -> None:
        """The request's build starts."""
        self._tell(entry, "request.claimed", at)
        entry.started = at
        self._tell(entry, "build.started", at, build=True)

    def finish(self, entry: Entry, at: float) -> None:
        """The build ends well, and with it the request."""
        entry.ended = at
        self._tell(entry, "build.finished", at, build=True, results=SUCCESS)
        self._tell(entry, "request.completed", at, results=SUCCESS)

    def cancel(self, entry: Entry, at: float) -> None:
        """The request is over, whatever became of it."""
        if entry.ended is None:
            entry.started = entry.started or at
            self.finish(entry, at)

    def waiting(self) -> Iterator[Entry]:
        return (entry for entry in self.entries.values() if entry.started is None)

    def running(self) -> Iterator[Entry]:
        return (entry for entry in self.entries.values() if entry.started is not None and entry.ended is None)

    def states(self, ids: list[int]) -> list[Json]:
        """One entry for each id: its state, or that there is no such request."""
        known = self.entries
        return [known[each].state() if each in known else {"buildrequestid": each, "missing": True} for each in ids]

    def page(self, after: int, limit: int, *, is_open: bool) -> tuple[list[Json], int | None]:
        """States by rising number, and after which number to ask on."""
        ids = [each for each in self.entries if each > after][:limit]
        found = [self.entries[each] for each in ids if (self.entries[each].ended is None) is is_open]
        return [entry.state() for entry in found], ids[-1] if len(ids) == limit else None

    def since(self, after: int, most: int = 1000) -> list[Json]:
        """What changed after a number."""
        first = self.seq - len(self._ring)
        return [self._ring[place] for place in range(max(0, after - first), min(len(self._ring), after - first + most))]

    def _tell(self, entry: Entry, event: str, at: float, *, build: bool = False, results: int | None = None) -> None:
        self.seq += 1
        change: Json = {
            "seq": self.seq,
            "at": int(at),
            "event": event,
            "external_id": entry.key,
            "buildrequest": entry.id,
            "builderid": BUILDER_ID,
            "results": results,
            "master_stopping": False,
        }
        more: Json = {"buildid": entry.id, "number": entry.id, "state_string": "building"} if build else {}
        self._ring.append(change | more)
