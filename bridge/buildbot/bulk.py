"""Reads large bodies: a few at once, beside the calls, so that they do not take the turns of what is urgent.

Pieces of logs, which come at once, and files, whose reader may be slow, do not take each other's turns either.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import Final

import aiohttp

from bridge.buildbot.errors import Unavailable
from bridge.buildbot.telling import telling
from bridge.buildbot.wire import FAULTS, Told, Wire, receive, refusal, unreachable

AT_ONCE: Final = 4
"""Texts under way, and files. They are outside the rate of the calls too: of a file the master sends what is taken."""
SILENCE: Final = 60.0
"""Seconds without a byte after which a body is given up. How long it takes as a whole depends on its size."""
CHUNK: Final = 1 << 16
_BYTES: Final = "application/octet-stream"
_AS_IT_IS: Final = {"Accept-Encoding": "identity"}
_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, sock_connect=10.0, sock_read=SILENCE)


class Bulk:
    """The way to one plugin for bodies that are large or of unknown size."""

    def __init__(self, wire: Wire, told: Told) -> None:
        self._wire, self._told = wire, told
        self._texts, self._files = asyncio.Semaphore(AT_ONCE), asyncio.Semaphore(AT_ONCE)

    async def text(self, path: str, query: Mapping[str, str]) -> tuple[str, Mapping[str, str]]:
        """Read a text of limited size, with the headers that came with it. Bytes that are not UTF-8 are replaced."""
        async with self._texts, AsyncExitStack() as stack:
            response = await self._opened(stack, path, query)
            try:
                received = await receive(response)
            except FAULTS as error:
                raise unreachable("GET", path, error) from error
            return received.body.decode("utf-8", "replace"), response.headers

    @asynccontextmanager
    async def chunks(self, path: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open a body for reading. `Unavailable` comes with the chunk at which it breaks off or falls silent.

        A turn is taken, and the master's file is open, until the context is left.
        """
        async with self._files, AsyncExitStack() as stack:
            response = await self._opened(stack, path, {})
            if response.content_type != _BYTES:
                raise Unavailable(f"GET {path}: not the plugin's answer: {response.content_type}")
            yield await stack.enter_async_context(aclosing(_read(path, response)))

    async def _opened(self, stack: AsyncExitStack, path: str, query: Mapping[str, str]) -> aiohttp.ClientResponse:
        with telling(self._told, "GET", path):
            try:
                request = self._wire.request("GET", path, query=query, timeout=_TIMEOUT, headers=_AS_IT_IS)
                response = await stack.enter_async_context(request)
                if response.status != 200:
                    raise refusal("GET", path, await receive(response))
            except FAULTS as error:
                raise unreachable("GET", path, error) from error
            return response


async def _read(path: str, response: aiohttp.ClientResponse) -> AsyncGenerator[bytes]:
    announced, size = response.content_length, 0
    try:
        async for chunk in response.content.iter_chunked(CHUNK):
            size += len(chunk)
            yield chunk
    except FAULTS as error:
        raise unreachable("GET", path, error) from error
    if announced != size:
        raise Unavailable(f"GET {path}: {size} bytes came of {announced}")
