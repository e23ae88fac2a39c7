"""Bodies on their way to a store: whole ones, and sources that are checked while they pass."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import aiohttp
from multidict import CIMultiDict

from bridge.core import faults
from bridge.core.artifact import Artifact, Source

_CONNECT: Final = 10.0
_SLOWEST: Final = 100_000
"""Bytes a second. Whoever takes fewer than that on the whole is given up, though it never falls silent."""
_GIVEN: Final = 60.0
"""Seconds that any upload may last, whatever its size."""


class NotStored(faults.Unavailable):
    """The artifact exists in the queue, and its body could not be put into the store."""


@dataclass(slots=True)
class Passage:
    """One pass of a source through our hands, in chunks.

    The last chunk is given out only when length and SHA-256 of the whole are known to be right: a store that was told the
    length never has all of a body that is wrong, and keeps nothing of it. `fault` is why the pass ended early, if it did.
    """

    name: str
    source: Source
    moved: Callable[[], None] = lambda: None
    algorithms: tuple[str, ...] = ("sha256",)
    size: int = 0
    fault: Exception | None = None
    _hashes: dict[str, hashlib._Hash] = field(init=False)

    def __post_init__(self) -> None:
        self._hashes = {name: hashlib.new(name) for name in self.algorithms}

    @property
    def hashes(self) -> dict[str, str]:
        """The hashes, in hex, of what has passed, by algorithm."""
        return {name: known.hexdigest() for name, known in self._hashes.items()}

    async def checked(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Give the chunks on, each when the next one is there. Raises `NotStored` in place of the last of a wrong body."""
        try:
            held = b""
            async for chunk in chunks:
                self._take(chunk)
                if held and chunk:
                    yield held
                held = chunk or held
            self._compare()
            if held:
                yield held
        except Exception as error:
            self.fault = error  # whoever sends the chunks wraps it in an error of its own
            raise

    def _take(self, chunk: bytes) -> None:
        self.moved()
        self.size += len(chunk)
        if self.size > self.source.size:
            raise NotStored(f"storing {self.name}: more than the {self.source.size} bytes that were announced came")
        for known in self._hashes.values():
            known.update(chunk)

    def _compare(self) -> None:
        if self.size < self.source.size:
            raise NotStored(f"storing {self.name}: {self.size} bytes came, {self.source.size} were announced")
        if self.hashes["sha256"] != self.source.sha256:
            raise NotStored(f"storing {self.name}: the bytes that came have another SHA-256 than was announced")


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends bodies to signed addresses, which are secrets and stay out of all messages; no credentials go along.

    `silence`: seconds for which nothing may move, neither from the source nor into the store.
    """

    session: aiohttp.ClientSession
    silence: float

    async def body(self, name: str, body: bytes, url: str, headers: Mapping[str, str]) -> None:
        """PUT a whole body. Raises `NotStored`."""
        async with self._limits(name, len(body)):
            await self._put(name, body, len(body), url, headers)

    async def source(
        self, name: str, source: Source, url: str, headers: Mapping[str, str], algorithms: tuple[str, ...] = ("sha256",)
    ) -> Mapping[str, str]:
        """PUT a source chunk by chunk; its hashes. Raises `NotStored`, and the source's own faults unchanged."""
        async with self._limits(name, source.size) as moved, source.open() as chunks:
            passage = Passage(name, source, moved, algorithms)
            try:
                await self._put(name, passage.checked(chunks), source.size, url, headers)
            except NotStored:
                if passage.fault is not None:
                    raise passage.fault from None
                raise
            return passage.hashes

    async def whole(self, name: str, source: Source) -> bytes:
        """All bytes of a small source. Raises as `source` does."""
        async with self._limits(name, source.size) as moved, source.open() as chunks:
            return b"".join([chunk async for chunk in Passage(name, source, moved).checked(chunks)])

    @contextlib.asynccontextmanager
    async def _limits(self, name: str, size: int) -> AsyncIterator[Callable[[], None]]:
        """End what lasts too long for its size, or is silent too long. Gives what to call when bytes move."""
        now = asyncio.get_running_loop().time
        silence = asyncio.timeout(self.silence)

        def moved() -> None:
            with contextlib.suppress(RuntimeError):  # it has ended meanwhile
                silence.reschedule(now() + self.silence)

        try:
            async with asyncio.timeout(_GIVEN + size / _SLOWEST), silence:
                yield moved
        except TimeoutError:
            raise NotStored(f"storing {name}: {'nothing moved' if silence.expired() else 'it is too slow'}") from None

    async def _put(
        self, name: str, data: bytes | AsyncIterator[bytes], size: int, url: str, headers: Mapping[str, str]
    ) -> None:
        said = CIMultiDict(headers)
        said["Content-Length"] = str(size)
        # Silence and the whole time are limited by the caller: aiohttp does not watch the time that sending takes.
        limits = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT)
        request = self.session.put(url, data=data, headers=said, allow_redirects=False, timeout=limits)
        try:
            async with request as answer:
                await answer.read()
                if answer.status != 200:
                    raise NotStored(f"storing {name}: HTTP {answer.status}")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise NotStored(f"storing {name}: {type(error).__name__}") from None

    async def holds(self, url: str, artifact: Artifact, size: int, encoding: str | None) -> bool:
        """Whether the store has a body of that size under this address, served as the artifact's would be.

        Asked by a GET of one byte, since addresses signed for GET refuse HEAD. Whatever goes wrong: no.
        """
        headers = {"Range": "bytes=0-0", "Accept-Encoding": "gzip"}  # so that no store decodes it for us
        limits = aiohttp.ClientTimeout(total=self.silence, sock_connect=_CONNECT)
        try:
            async with self.session.get(url, headers=headers, allow_redirects=False, timeout=limits) as answer:
                answer.close()  # a store that knows no ranges would send all of it
                served = (_total(answer), answer.headers.get("Content-Type"), answer.headers.get("Content-Encoding"))
                return served == (size, artifact.content_type, encoding)
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False


def _total(answer: aiohttp.ClientResponse) -> int | None:
    """The size of what was asked for, of which the answer may be a part."""
    match answer.status:
        case 200:
            return answer.content_length
        case 206:
            total = answer.headers.get("Content-Range", "").rpartition("/")[2]
            return int(total) if total.isascii() and total.isdecimal() else None
        case _:
            return None
