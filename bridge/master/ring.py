"""What happened lately in the master, in memory: enough to tell a listener that it should look again.

The ring is never the truth. It starts empty with each master process under a new epoch, forgets the oldest entry when
it is full, and says so: a listener that asks for what was forgotten is told to list everything anew.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import islice


@dataclass(frozen=True, slots=True)
class Happening:
    """One event as the master produced it, before anybody looked whose request it was."""

    at: int
    event: str
    request_id: int
    builder_id: int
    results: int | None
    master_stopping: bool
    build_id: int | None = None
    number: int | None = None
    state_string: str | None = None


class Ring:
    """The last `size` happenings, numbered from 1 without gaps within one `epoch`."""

    def __init__(self, epoch: str, size: int) -> None:
        self.epoch = epoch
        self.seq = 0
        """The number of the newest happening, 0 before the first."""
        self._kept: deque[Happening] = deque(maxlen=size)

    def append(self, happening: Happening) -> None:
        self._kept.append(happening)
        self.seq += 1

    def knows(self, epoch: str | None, after: int) -> bool:
        """Tell whether everything after `after` is still here; if not, the listener has to list anew."""
        return epoch == self.epoch and self.seq - len(self._kept) <= after <= self.seq

    def since(self, after: int, limit: int) -> list[tuple[int, Happening]]:
        """Give the happenings numbered above `after`, oldest first, each with its number, at most `limit`."""
        first = self.seq - len(self._kept) + 1
        start = max(0, after + 1 - first)
        return [(first + start + i, each) for i, each in enumerate(islice(self._kept, start, start + limit))]
