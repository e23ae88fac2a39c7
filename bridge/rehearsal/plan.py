"""What would have been done: each act once, told as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from bridge.core import faults
from bridge.core.run import RunKey

_KEPT: Final = 20_000
"""Acts that are remembered, so that they are told once."""
_PATIENCE: Final = 20.0
_LOOK: Final = 0.5

T = TypeVar("T")
Tell = Callable[[RunKey, str, str], None]
"""Hears of an act: the run, the call by its side's own name, and what it would say."""


@dataclass(slots=True)
class Plan:
    """The acts noted. `patience`: seconds for which the real services are watched to do the same."""

    tell: Tell
    patience: float = _PATIENCE
    _noted: dict[tuple[RunKey, str, str], None] = field(default_factory=dict)

    def note(self, key: RunKey, call: str, detail: str = "") -> None:
        """Note an act; the same one again is no news."""
        act = (key, call, detail)
        if act in self._noted:
            return
        self._noted[act] = None
        if len(self._noted) > _KEPT:
            del self._noted[next(iter(self._noted))]
        self.tell(key, call, detail)

    async def seen(self, look: Callable[[], Awaitable[T | None]], what: str) -> T:
        """What the real services came to, once it can be seen; raises `Unavailable` where it cannot within the patience."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self.patience
        while (found := await look()) is None:
            if loop.time() >= end:
                raise faults.Unavailable(f"a dry run: {what} was noted, and nobody has done it yet")
            await asyncio.sleep(_LOOK)
        return found
