"""Bodies between the wire and the disk: large uploads never lie in memory, and one that breaks off leaves nothing."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

from aiohttp import web

from tests.doubles.taskcluster.api import Request
from tests.doubles.taskcluster.faults import Fault
from tests.doubles.taskcluster.store import Store
from tests.doubles.taskcluster.store_calls import Part

IN_MEMORY = 1 << 20  # bytes of the largest body that is kept there
_PIECE = 1 << 18
_SMALL = 1 << 14  # what the wire gives at once when bytes are counted


class BrokenOff(Exception):  # noqa: N818  what happened, not whose error it was
    """The connection ended before the whole body had come, by the client or by a fault."""


@dataclass(frozen=True, slots=True)
class Intake:
    """Takes the bodies of uploads, as fast as the store does."""

    store: Store
    folder: Path

    async def received(self, asked: web.Request, request: Request, fault: Fault | None) -> Request:
        """Answer the request with its body, on disk when it is large. Raises `BrokenOff`, and keeps nothing then."""
        pieces = self._pieces(asked, fault)
        try:
            if (asked.content_length or 0) <= IN_MEMORY:
                return replace(request, body=b"".join([piece async for piece in pieces]))
            return replace(request, spooled=await self._spooled(pieces))
        except (OSError, web.RequestPayloadError) as error:
            raise BrokenOff(str(error)) from error

    async def _spooled(self, pieces: AsyncIterator[bytes]) -> Path:
        with tempfile.NamedTemporaryFile(dir=self.folder, delete=False) as file:
            path = Path(file.name)
            try:
                async for piece in pieces:
                    file.write(piece)
            except BaseException:
                path.unlink()
                raise
        return path

    async def _pieces(self, asked: web.Request, fault: Fault | None) -> AsyncIterator[bytes]:
        """Read the body, slowly where that is switched on, up to the fault that it meets."""
        started, taken = time.monotonic(), 0
        limit = None if fault is None or fault.kind not in ("break", "stall") else fault.bytes
        while piece := await asked.content.read(_PIECE if limit is None else min(_SMALL, max(1, limit - taken))):
            taken += len(piece)
            yield piece
            if fault is not None and limit is not None and taken >= limit:
                limit = None
                await _go_wrong(fault)
            if self.store.rate is not None:
                await asyncio.sleep(max(0.0, taken / self.store.rate - (time.monotonic() - started)))


async def _go_wrong(fault: Fault) -> None:
    if fault.kind == "break":
        raise BrokenOff("by a fault")
    await asyncio.sleep(fault.seconds)


async def send(asked: web.Request, status: int, headers: dict[str, str], part: Part) -> web.StreamResponse:
    """Answer with a part of a file."""
    answer = web.StreamResponse(status=status, headers={**headers, "Content-Length": str(part.length)})
    with part.path.open("rb") as file:
        file.seek(part.start)
        left = part.length
        await answer.prepare(asked)
        while left and (piece := file.read(min(_PIECE, left))):
            left -= len(piece)
            await answer.write(piece)
    await answer.write_eof()
    return answer
