"""TCP between the services and one server: connections break off, answers stop half-way or come late."""

import asyncio
import contextlib
import random
import socket
import struct
from collections.abc import Callable
from types import TracebackType
from typing import Final, Literal, Self

Harm = Literal["reset", "truncate", "stall", "cut"]
CHUNK: Final = 1 << 16


class Wire:
    """Listens on a free port of 127.0.0.1 and passes all bytes on to a server's port.

    While a harm is switched on, some of the chunks that pass meet it: `reset` passes half of the chunk and then resets both
    ends, `truncate` passes half of it and ends both in good order, `stall` holds everything back until it is switched off.
    `cut` resets all connections at once, and each new one. `met` counts what was harmed.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._open = asyncio.Event()
        self._harm: Harm | None = None
        self._share = 0.0
        self.target = 0
        self.port = 0
        self.met = 0
        self.heard: Callable[[bytes], None] = lambda _: None
        """Is given every chunk that goes to the server, before it goes."""

    async def __aenter__(self) -> Self:
        self._open.set()
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        self.heal()
        self._reset_all()

    def harm(self, harm: Harm, share: float = 0.2) -> None:
        """Switch a harm on for this share of all chunks."""
        self._harm, self._share = harm, share
        if harm == "stall":
            self._open.clear()
            self.met += len(self._writers) // 2
        if harm == "cut":
            self._reset_all()

    def heal(self) -> None:
        """Pass everything on, and what was held back."""
        self._harm = None
        self._open.set()

    def _reset_all(self) -> None:
        for writer in list(self._writers):
            self.met += 1
            _reset(writer)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._harm == "cut":
            self.met += 1
            _reset(writer)
            return
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            _reset(writer)
            return
        self._writers |= {writer, back}
        try:
            pumps = [
                asyncio.create_task(self._pump(reader, back, self.heard)),
                asyncio.create_task(self._pump(there, writer)),
            ]
            await asyncio.wait(pumps, return_when=asyncio.FIRST_EXCEPTION)
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
        finally:
            self._writers -= {writer, back}
            for each in (writer, back):
                if not each.transport.is_closing():
                    each.close()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: Callable[[bytes], None] = lambda _: None
    ) -> None:
        """Pass bytes on in one direction; raises when the whole connection is over."""
        while chunk := await reader.read(CHUNK):
            heard(chunk)
            await self._open.wait()
            if self._harm in ("reset", "truncate") and self._rng.random() < self._share:
                await self._half(chunk, writer)
            writer.write(chunk)
            await writer.drain()
        with contextlib.suppress(OSError, RuntimeError):
            writer.write_eof()
        # An end in one direction is the end of it: none of these protocols goes on in the other.
        raise ConnectionAbortedError

    async def _half(self, chunk: bytes, writer: asyncio.StreamWriter) -> None:
        self.met += 1
        writer.write(chunk[: len(chunk) // 2])
        await writer.drain()
        if self._harm == "reset":
            _reset(writer)
        raise ConnectionResetError


def _reset(writer: asyncio.StreamWriter) -> None:
    """End a connection so that the other side sees a reset, not an orderly end."""
    plain: socket.socket | None = writer.get_extra_info("socket")
    if plain is not None:
        with contextlib.suppress(OSError):
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
