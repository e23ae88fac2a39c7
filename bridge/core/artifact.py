"""Something to attach to a run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Source:
    """A body that is never whole in memory. `open` gives the same bytes each time, in chunks.

    `size` and `sha256` (hex) are of the bytes as they come; `encoding` is what they are encoded by, as in HTTP's
    `Content-Encoding`.
    """

    size: int
    sha256: str
    open: Callable[[], AbstractAsyncContextManager[AsyncIterator[bytes]]]
    encoding: str | None = None


@dataclass(frozen=True, slots=True)
class Absence:
    """Why there is no body: one of Taskcluster's words for it, and a sentence for people (4,096 characters at most)."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Artifact:
    """A named artifact: exactly one of a `body` or a `source`, which are stored, a `reference` (URL) and an `absence`."""

    name: str
    content_type: str
    expires: datetime
    body: bytes | None = None
    reference: str | None = None
    source: Source | None = None
    absence: Absence | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """An artifact whose bytes are stored: how many there are, and their SHA-256 in hex, before any encoding."""

    name: str
    size: int
    sha256: str
