"""A log on its way from text to artifact: through a nameless file, for its size must be known before it is sent."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import IO, Final

from bridge.core.artifact import Source, Stored

_CHUNK: Final = 1 << 18
_LEVEL: Final = 6
_GZIP: Final = 31  # zlib's number for a gzip header, without a time, before the largest window
_IN_MEMORY: Final = 1 << 20  # bytes of a log for which no file is made
_SHORT: Final = 1 << 15  # characters that are compressed sooner than a thread is asked to


class _Told:
    """How large some bytes are that pass, and their hash."""

    def __init__(self) -> None:
        self.size, self._hash = 0, hashlib.sha256()

    def take(self, data: bytes) -> None:
        self.size += len(data)
        self._hash.update(data)

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


class LogFile:
    """Takes text, keeps it in a temporary file, gzip-encoded if asked, and gives it as the source of an artifact.

    The same text gives the same bytes, so that a repeat finds what is stored already. It may be left at any moment, also in
    the middle of a write: nothing is owed to the file.
    """

    def __init__(self, file: IO[bytes], *, encoded: bool) -> None:
        self._file, self._sent = file, _Told()
        self._plain = _Told() if encoded else self._sent
        self._encoder = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP) if encoded else None

    def write(self, text: str) -> None:
        """Take text; what UTF-8 cannot hold is replaced."""
        data = text.encode("utf-8", "replace")
        if self._encoder is not None:
            self._plain.take(data)
            data = self._encoder.compress(data)
        self._keep(data)

    def end(self) -> None:
        """There is no more text."""
        if self._encoder is not None:
            self._keep(self._encoder.flush())

    def _keep(self, data: bytes) -> None:
        self._sent.take(data)
        self._file.write(data)

    def plain(self, name: str) -> Stored:
        """What a reader of the artifact will see."""
        return Stored(name, self._plain.size, self._plain.sha256)

    @property
    def source(self) -> Source:
        """What is sent."""
        return Source(self._sent.size, self._sent.sha256, self._opened, "gzip" if self._encoder else None)

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[AsyncIterator[bytes]]:
        self._file.seek(0)
        yield self._chunks()

    async def _chunks(self) -> AsyncIterator[bytes]:
        short = self._sent.size < _CHUNK
        while chunk := self._file.read(_CHUNK) if short else await asyncio.to_thread(self._file.read, _CHUNK):
            yield chunk


@asynccontextmanager
async def written(pieces: AsyncIterator[str], *, encoded: bool) -> AsyncIterator[LogFile]:
    """Write all pieces; the file, if it came to one, is gone with the context. Long work stays off the event loop."""
    with tempfile.SpooledTemporaryFile(_IN_MEMORY, prefix="buildbot-bridge-log-") as file:
        log = LogFile(file, encoded=encoded)
        async for piece in pieces:
            if len(piece) < _SHORT:
                log.write(piece)
                await asyncio.sleep(0)  # thousands of lines about steps may come without any wait between them
            else:
                await asyncio.to_thread(log.write, piece)
        log.end()
        yield log


async def capped(pieces: AsyncIterator[str], most: int, said: str) -> AsyncIterator[str]:
    """Pass pieces on up to `most` bytes in all, then `said`."""
    left = most
    async for piece in pieces:
        left -= len(piece.encode("utf-8", "replace"))
        if left < 0:
            yield said
            return
        yield piece
