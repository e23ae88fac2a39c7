"""A call and what it is answered with, as far as HTTP matters."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from bridge.master import wire
from bridge.master.fields import parse


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated call, as far as HTTP matters to it."""

    service: Any
    path: tuple[str, ...]
    """The parts of the path that the table leaves open."""
    query: dict[str, str]
    raw: bytes
    trace: bytes | None = None
    """The header `traceparent`, as it came."""

    @property
    def master(self) -> Any:
        return self.service.master

    @property
    def body(self) -> object:
        return parse(self.raw)

    @property
    def key(self) -> wire.RunKey:
        return wire.run_key(self.path[0], self.path[1])


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Text:
    """Plain text in UTF-8, with what there is to say about it in headers."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class File:
    """An open file of `size` bytes; it is closed by whoever sends it."""

    content: BinaryIO
    size: int


Reply = Answer | Text | File
Action = Callable[[Call], Awaitable[Reply]]
