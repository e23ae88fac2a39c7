"""Whom the engine tells what it did: logs and metrics, seen through one Protocol."""

from __future__ import annotations

from typing import Protocol

from bridge.core.run import Run, RunKey


class Observer(Protocol):
    """Hears of each change, fault and alarm; must not raise."""

    def moved(self, before: Run | None, after: Run, because: str) -> None:
        """A row changed its phase, or is new (`before` None)."""
        ...

    def fault(self, run: Run, command: str, fault: Exception) -> None:
        """What the run owed could not be done now; it will be tried again."""
        ...

    def defect(self, run: Run, command: str, defect: Exception) -> None:
        """An exception that nobody expected, from one run's handling; the run stays owing."""
        ...

    def poison(self, key: RunKey, defect: Exception) -> None:
        """An exception that nobody expected, from a run whose row cannot even be changed."""
        ...

    def away(self, what: str, fault: Exception) -> None:
        """Something that all work needs (`database`, `taskcluster`, `buildbot`) cannot be reached at the moment."""
        ...

    def alarm(self, what: str, key: RunKey | None, detail: str) -> None:
        """A person should look. `what` is one of few names."""
        ...

    def found(self, kind: str, count: int) -> None:
        """A sweep found `count` things that no message had told of."""
        ...
