"""Spans of time as people write them: `1d`, `12h30m`, `2 weeks`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

from bridge.core.admission import shown
from bridge.definition import DefinitionError

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}
_UNITS: Final = "s|secs?|seconds?|m|mins?|minutes?|h|hours?|d|days?|w|weeks?|y|years?"
_PART: Final = re.compile(rf"(\d{{1,9}})\s*({_UNITS})(?![a-z])\s*")


def duration(text: str, where: str) -> timedelta:
    """Read a span of time longer than none; `where` it stands begins the sentence of the `DefinitionError`."""
    rest, seconds = text.strip().lower(), 0
    while rest and (part := _PART.match(rest)):
        seconds += int(part[1]) * _SECONDS[part[2][0]]
        rest = rest[part.end() :]
    if rest or not 0 < seconds <= 1000 * _SECONDS["y"]:
        raise DefinitionError(f"{where}: {shown(text)!r} is no span of time. Write it as 30m, 12h, 1d or 2 weeks.")
    return timedelta(seconds=seconds)
