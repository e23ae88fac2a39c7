"""A wire in front of a server, that can be cut: nothing passes any more, and nobody is told."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from urllib.parse import urlsplit, urlunsplit


class Wire:
    """Passes TCP connections on to a server. While it is cut, what either side sends stays on the way.

    As in a network that heals, what is on the way arrives when the wire is mended, late as it may be.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = host, port
        self._whole = asyncio.Event()
        self._whole.set()
        self.port = 0
        self._carriers: set[asyncio.Task[None]] = set()

    def cut(self) -> None:
        """Let nothing pass."""
        self._whole.clear()

    def mend(self) -> None:
        """Let everything pass again."""
        self._whole.set()

    def accept(self, near: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        """Carry one connection, both ways."""
        carrier = asyncio.create_task(self._connected(near, answer))
        self._carriers.add(carrier)
        carrier.add_done_callback(self._carriers.discard)

    async def end(self) -> None:
        """Close all connections."""
        for carrier in (carriers := list(self._carriers)):
            carrier.cancel()
        await asyncio.gather(*carriers, return_exceptions=True)

    async def _connected(self, near: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        try:
            await self._whole.wait()
            far, ask = await asyncio.open_connection(*self._target)
            await asyncio.gather(self._carry(near, ask), self._carry(far, answer))
        except OSError:
            pass  # one side is gone, and so is the other now
        finally:
            answer.close()

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                await self._whole.wait()
                sink.write(data)
                await sink.drain()
            await self._whole.wait()
        finally:
            sink.close()


@contextlib.asynccontextmanager
async def wired(address: str) -> AsyncIterator[tuple[Wire, str]]:
    """A wire to the server of this address, and the address of its near end."""
    parts = urlsplit(address)
    assert parts.hostname is not None
    assert parts.port is not None
    wire = Wire(parts.hostname, parts.port)
    async with await asyncio.start_server(wire.accept, "127.0.0.1", 0) as server:
        wire.port = server.sockets[0].getsockname()[1]
        login = "".join(parts.netloc.rpartition("@")[:2])
        try:
            yield wire, urlunsplit(parts._replace(netloc=f"{login}127.0.0.1:{wire.port}"))
        finally:
            await wire.end()
