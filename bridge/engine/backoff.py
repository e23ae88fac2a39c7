"""When to try again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

FIRST = 0.5
LONGEST = 30.0


@dataclass(frozen=True, slots=True)
class Backoff:
    """Doubling waits with jitter, from half a second to half a minute; what the other side asks for is obeyed."""

    random: Random

    def until(self, at: datetime, attempts: int, retry_after: float | None = None) -> datetime:
        """When to try again after `attempts` tries; `retry_after` in seconds, as the other side asked."""
        wait = min(LONGEST, FIRST * 2 ** min(attempts, 10)) * self.random.uniform(0.5, 1.0)
        return at + timedelta(seconds=max(wait, retry_after or 0.0))
