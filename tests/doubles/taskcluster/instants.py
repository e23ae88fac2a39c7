"""Instants are whole microseconds since 1970: exact to compare, exact to print.

Taskcluster's own code is JavaScript and knows milliseconds only; the database stamps rows of its lists with
microseconds. `to_milliseconds` marks the places where the real queue loses the rest.
"""

from datetime import UTC, datetime

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def to_milliseconds(instant: int) -> int:
    """Cut an instant to whole milliseconds, as a JavaScript Date does."""
    return instant - instant % 1000


def _text(instant: int) -> str:
    moment = datetime.fromtimestamp(instant // SECOND, UTC)
    return f"{moment.isoformat()[:19]}.{instant % SECOND // 1000:03d}"


def zulu(instant: int) -> str:
    """Write an instant the usual way, `2026-01-02T03:04:05.678Z`."""
    return _text(instant) + "Z"


def offset(instant: int) -> str:
    """Write an instant as claimTask, claimWork and task-running write takenUntil, `…+00:00`."""
    return _text(instant) + "+00:00"


def unix(instant: int) -> str:
    """Write seconds since 1970 as JavaScript prints a number: no trailing zeros."""
    return f"{instant // SECOND}.{instant % SECOND // 1000:03d}".rstrip("0").rstrip(".")


def parse(text: str) -> int:
    """Read an RFC 3339 time; ValueError when it is none or names no zone."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"no time zone in {text!r}")
    whole = int(moment.replace(microsecond=0).timestamp())
    return to_milliseconds(whole * SECOND + moment.microsecond)
