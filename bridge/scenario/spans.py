"""Spans of time as people write them: `12s`, `1h30m`, `250ms`, `2d`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Final

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

_PART: Final = r"\d+(?:\.\d+)?(?:ms|d|h|m|s)"
_WHOLE: Final = rf"(?:{_PART})+"
_LONGEST: Final = 10 * 366 * 86400.0
_UNITS: Final = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def span(written: object) -> timedelta:
    """Read a span; a number alone is seconds. Raises `ValueError`, with what may be written."""
    if isinstance(written, timedelta):
        return written
    if isinstance(written, int | float) and not isinstance(written, bool) and written >= 0:
        return _no_longer(written)
    if not isinstance(written, str) or re.fullmatch(_WHOLE, written) is None:
        raise ValueError("is not a span of time. Write it like 12s, 90m, 1h30m or 250ms")
    parts = re.findall(r"([\d.]+)(ms|d|h|m|s)", written)
    return _no_longer(sum(float(number) * _UNITS[unit] for number, unit in parts))


def _no_longer(seconds: float) -> timedelta:
    if seconds > _LONGEST:
        raise ValueError("is longer than ten years, which no task lives")
    return timedelta(seconds=seconds)


def words(of: timedelta) -> str:
    """Write a span, to the microsecond, so that `span` reads it."""
    left = of // timedelta(microseconds=1)
    parts: list[str] = []
    for unit, size in (("h", 3_600_000_000), ("m", 60_000_000)):
        count, left = divmod(left, size)
        parts += [f"{count}{unit}"] if count else []
    if left or not parts:
        parts.append(f"{left / 1_000_000:.6f}".rstrip("0").rstrip(".") + "s")
    return "".join(parts)


Span = Annotated[
    timedelta,
    BeforeValidator(span),
    PlainSerializer(words, return_type=str),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": f"^{_WHOLE}$"}, {"type": "number", "minimum": 0}]}),
]
