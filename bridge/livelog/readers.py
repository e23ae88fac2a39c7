"""How many may read, and how one reader is written to."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

_AT_ONCE: Final = 64 << 10
"""Characters that a reader must take within its allowed silence."""


class FullError(Exception):
    """No place is free; the text says why, `of_build` whether it is this build's places that are taken."""

    def __init__(self, message: str, *, of_build: bool) -> None:
        super().__init__(message)
        self.of_build = of_build


class SilentError(Exception):
    """The reader did not take what was sent."""


@dataclass(slots=True)
class Places:
    """Counts readers; `told` hears how many there are after each change."""

    listeners: int
    per_build: int
    told: Callable[[int], None]
    _of_build: Counter[Hashable] = field(default_factory=Counter)

    @contextmanager
    def taken(self, build: Hashable) -> Iterator[None]:
        """Take a place while inside; raises FullError if there is none."""
        if self._of_build.total() >= self.listeners:
            raise FullError("Too many logs are read at the moment.", of_build=False)
        if self._of_build[build] >= self.per_build:
            raise FullError("Too many read this log at the moment.", of_build=True)
        self._of_build[build] += 1
        self.told(self._of_build.total())
        try:
            yield
        finally:
            self._of_build -= Counter([build])  # leaves out what came to zero
            self.told(self._of_build.total())


def noticed(transport: asyncio.BaseTransport | None) -> None:
    """Have the kernel take little in advance, where it can, so that what a reader takes is noticed soon.

    Else it takes megabytes at once, and a slow reader who goes through them looks like one who does not read.
    """
    connection = transport.get_extra_info("socket") if transport else None
    if connection is not None and hasattr(socket, "TCP_NOTSENT_LOWAT"):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _AT_ONCE)


@dataclass(frozen=True, slots=True)
class Reader:
    """One who reads. Writing waits until the reader has taken nearly all that was written before."""

    response: web.StreamResponse
    silence: float

    async def write(self, text: str) -> None:
        """Send text; raises SilentError if none of it is taken for `silence` seconds, ConnectionError if nobody is there."""
        for start in range(0, len(text), _AT_ONCE):
            await self._taken(self.response.write(text[start : start + _AT_ONCE].encode("utf-8", "replace")))

    async def say(self, line: str) -> None:
        """Send a line of the bridge's own."""
        await self.write(line + "\n")

    async def end(self) -> None:
        """Send that this is the end; raises as `write` does."""
        await self._taken(self.response.write_eof())

    async def _taken(self, sending: Awaitable[None]) -> None:
        try:
            async with asyncio.timeout(self.silence):
                await sending
        except TimeoutError:
            raise SilentError from None
