"""Time, as the model keeps it: whole minutes from a start. What a row holds is rounded up to one of them.

Every time that is read from a clock is a whole minute, and decisions only compare times with such readings: rounding up
changes none of them, but makes waits of seconds, spread by chance, one and the same.
"""

from datetime import datetime, timedelta
from functools import cache, lru_cache

from tests.unit.core.samples import AT

MINUTE = timedelta(minutes=1)


@cache
def moment(minute: int) -> datetime:
    """The moment so many minutes after the start."""
    return AT + minute * MINUTE


@lru_cache(maxsize=100_000)
def minute_of(when: datetime) -> int:
    """The minute, rounded up."""
    return -((AT - when) // MINUTE)


@lru_cache(maxsize=100_000)
def rounded(when: datetime) -> datetime:
    """The moment, rounded up to a whole minute."""
    return moment(minute_of(when))
