"""Whom the engine shows where a run's time goes."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from bridge.core.run import Run, RunKey


class Tracing(Protocol):
    """Follows each run through all processes; must not raise, nor wait."""

    def span(self, key: RunKey, name: str) -> AbstractContextManager[None]:
        """What is done inside is done for this run, under this name."""
        ...

    def moved(self, before: Run | None, after: Run, because: str) -> None:
        """A row changed its phase, or is new (`before` None)."""
        ...


class Untraced:
    """Follows nothing."""

    def span(self, key: RunKey, name: str) -> AbstractContextManager[None]:  # noqa: ARG002  a port
        return nullcontext()

    def moved(self, before: Run | None, after: Run, because: str) -> None: ...
