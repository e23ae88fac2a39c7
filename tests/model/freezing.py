"""Variables as keys: what can be compared and hashed quickly, for values that are compared over and over."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from types import FunctionType, MethodType, ModuleType
from typing import Any

from bridge.core.events import TaskSeen
from bridge.core.request import RequestState
from bridge.core.rules import Rules
from bridge.core.run import Run
from bridge.core.status import TaskStatus
from bridge.engine.engine import Engine, _Change
from bridge.engine.pool import Pool
from bridge.engine.strangers import Strangers
from bridge.engine.sweeps import Sweeps
from tests.model.ports import BuildsAt, QueueAt, RunsAt, Seat
from tests.model.values import plain

WORDS = frozenset({"because", "why", "name", "work"})
"""Variables that hold words for people, or what other variables hold too."""
_PLACES = (Engine, Pool, Sweeps, Strangers, Seat, QueueAt, BuildsAt, RunsAt, _Change)
_NO_PART = (*_PLACES, Rules, ModuleType, FunctionType, MethodType, asyncio.Future)
_PLAIN = (str, int, float, datetime, Enum, type(None), type)
_REMEMBERED = 200_000

_how: dict[type, Callable[[Any], Any]] = {}
_numbers: dict[Any, int] = {}
_known: dict[int, tuple[Any, Any]] = {}
"""Values by their identity, kept alive so that it stays theirs, and their keys."""


def frozen(value: Any) -> Any:
    """The value as one that can be compared and hashed; what never differs is left out."""
    how = _how.get(type(value))
    if how is None:
        how = _how[type(value)] = _way(value)
    return how(value)


def _way(value: Any) -> Callable[[Any], Any]:
    if isinstance(value, Run | TaskStatus | RequestState):
        return _numbered
    if isinstance(value, _PLAIN):
        return lambda plain_value: plain_value
    if isinstance(value, _NO_PART):
        return lambda _: None
    if isinstance(value, Mapping):
        return lambda mapping: tuple(sorted(((key, frozen(item)) for key, item in mapping.items()), key=_first))
    if isinstance(value, list | tuple | set | frozenset):
        return lambda items: (type(items), *map(frozen, items))
    if isinstance(value, Exception):
        return lambda exception: (type(exception), str(exception))
    if isinstance(value, TaskSeen):
        return lambda seen: (TaskSeen, seen.at, frozen(seen.status))
    if is_dataclass(value) and _hashable(value):
        return lambda itself: itself
    if is_dataclass(value):
        return _by_parts(type(value), [part.name for part in fields(value) if part.compare])
    raise TypeError(f"{type(value)} has no place in a state")


def _hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _by_parts(kind: type, names: list[str]) -> Callable[[Any], Any]:
    return lambda value: (kind, *[frozen(getattr(value, name)) for name in names])


def _first(item: tuple[Any, Any]) -> str:
    return str(item[0])


def _numbered(value: Any) -> Any:
    """Large values by number: equal ones have the same. Looked up by identity first, for the same ones come often."""
    known = _known.get(id(value))
    if known is not None:
        return known[1]
    whole = plain(value) if isinstance(value, Run) else value
    key = type(value), _numbers.setdefault(whole, len(_numbers))
    if len(_known) >= _REMEMBERED:
        _known.clear()
    _known[id(value)] = (value, key)
    return key
