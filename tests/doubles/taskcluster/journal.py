"""Every call with its time and outcome, for counting and for checkers of histories."""

import itertools
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

from tests.doubles.taskcluster.instants import zulu

LONGEST = 200_000  # entries; older ones go, `dropped` counts them


@dataclass(frozen=True, slots=True)
class Entry:
    """One call: what the client was answered (`status`, None if it got no answer) and what was truly done."""

    number: int
    at: int
    api: str
    client: str | None
    task_id: str | None
    run_id: int | None
    status: int | None
    done: int | None  # status of the call as carried out; None when a fault kept it from being carried out
    took: float
    detail: dict[str, Any]

    def wire(self) -> dict[str, Any]:
        return {
            "n": self.number,
            "time": zulu(self.at),
            "unix": self.at / 1_000_000,
            "api": self.api,
            "client": self.client,
            "taskId": self.task_id,
            "runId": self.run_id,
            "status": self.status,
            "done": self.done,
            "seconds": round(self.took, 6),
            **self.detail,
        }


@dataclass(slots=True)
class Journal:
    """The calls so far, and their counters since the last reset."""

    entries: deque[Entry] = field(default_factory=lambda: deque(maxlen=LONGEST))
    calls: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    by_task: dict[str, Counter[str]] = field(default_factory=dict)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def note(self, **facts: Any) -> None:
        """Add one call: the fields of an Entry but its number."""
        entry = Entry(next(self._numbers), **facts)
        self.entries.append(entry)
        self.calls[entry.api] += 1
        if entry.status is None or entry.status >= 400:
            self.refused[entry.api] += 1
        if entry.task_id is not None:
            self.by_task.setdefault(entry.task_id, Counter())[entry.api] += 1

    def since(self, number: int, limit: int) -> list[Entry]:
        """Answer at most `limit` entries after a number, oldest first."""
        if not self.entries:
            return []
        start = max(0, number - self.entries[0].number + 1)
        return list(itertools.islice(self.entries, start, start + limit))

    def reset(self) -> None:
        """Set the counters to nothing; the entries stay."""
        self.calls.clear()
        self.refused.clear()
        self.by_task.clear()
