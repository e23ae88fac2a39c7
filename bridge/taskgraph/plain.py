"""What of YAML is not JSON: a task's definition travels as JSON, a kind file is YAML and may hold more."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import date, time

_QUOTE = "Write it as a string, in quotes."


def problems(value: object, path: str) -> Iterator[str]:
    """A sentence for each part of the value that JSON cannot say; `path` names the place of the value."""
    match value:
        case None | bool() | str() | int():
            return
        case float():
            if not math.isfinite(value):
                yield f"{path}: {value} is no number that JSON knows. {_QUOTE}"
        case Mapping():
            yield from _mapping(value, path)
        case list() | tuple():
            for number, item in enumerate(value):
                yield from problems(item, f"{path}[{number}]")
        case date() | time():
            yield f"{path}: {value} is read by YAML as a date or time, which JSON does not have. {_QUOTE}"
        case set() | frozenset():
            yield f"{path}: is a set, which JSON does not have. Write a list."
        case _:
            yield f"{path}: is of type {type(value).__name__}, which JSON does not have. {_QUOTE}"


def _mapping(value: Mapping[object, object], path: str) -> Iterator[str]:
    for key, item in value.items():
        if not isinstance(key, str):
            yield f"{path or '(top)'}: the key {key!r} is no string, as JSON's keys are. Put it in quotes."
        yield from problems(item, f"{path}.{key}")
