"""A log on its way from text to artifact: through a nameless file, for its size must be known before it is sent."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import IO, Final

from bridge.core.artifact import Source, Stored

_CHUNK: Final = 1 << 18
_LEVEL: Final = 6
_IN_MEMORY: Final = 1 << 20  # bytes of a log for which no file is made
_SHORT: Final = 1 << 15  # characters that are compressed sooner than a thread is asked to


class _Hashing:
    """A file that counts and hashes what is written to it."""

    def __init__(self, file: IO[bytes] | gzip.GzipFile) -> None:
        self._file, self.size, self._hash = file, 0, hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.size += len(data)
        self._hash.update(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


class LogFile:
    """Takes text, keeps it in a temporary file, gzip-encoded if asked, and gives it as the source of an artifact.

    The same text gives the same bytes, so that a repeat finds what is stored already.
    """

    def __init__(self, file: IO[bytes], *, encoded: bool) -> None:
        self._file, self._sent = file, _Hashing(file)
        self._gzip = gzip.GzipFile("", "wb", _LEVEL, self._sent, mtime=0) if encoded else None
        self._plain = _Hashing(self._gzip) if self._gzip else self._sent

    def write(self, text: str) -> None:
        """Take text; what UTF-8 cannot hold is replaced."""
        self._plain.write(text.encode("utf-8", "replace"))

    def end(self) -> None:
        """There is no more text."""
        if self._gzip is not None:
            self._gzip.close()

    def plain(self, name: str) -> Stored:
        """What a reader of the artifact will see."""
        return Stored(name, self._plain.size, self._plain.sha256)

    @property
    def source(self) -> Source:
        """What is sent."""
        return Source(self._sent.size, self._sent.sha256, self._opened, "gzip" if self._gzip else None)

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
