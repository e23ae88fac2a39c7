"""One HTTP exchange with the plugin: sent once or, where the connection broke, a few times; parsed, or a fault."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

import aiohttp
from aiolimiter import AsyncLimiter
from pydantic import TypeAdapter, ValidationError
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random

from bridge.buildbot.errors import FOR_AUTHORS, Unavailable, of_answer
from bridge.buildbot.messages import ErrorAnswer

MAX_ANSWER: Final = 64 << 20
"""Bytes; 10,000 states with one build each are about 5 MB."""
AT_ONCE: Final = 8
"""Calls under way: a master does one thing at a time, and more would only grow old in its queue."""
_CHUNK: Final = 1 << 16
# A kept-alive connection that the other side has just closed, or a master that is being restarted: worth a second
# try at once. A timeout is not, it would multiply the wait; nor is a 5xx, the row's own backoff is for that.
_BROKEN: Final = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError)
_TRIES: Final = 3

T = TypeVar("T")
Told = Callable[[str, str, float], None]
"""Hears of each call but the long-polls: what was called, `ok` or the kind of fault, and seconds."""
Token = Callable[[], str]
"""Asked on each call, so that an exchanged token works without a restart."""


@dataclass(frozen=True, slots=True)
class Received:
    status: int
    retry_after: float | None
    body: bytes


class Exchange:
    """The way to one plugin: its address, the token, the pooled session and the rate that the master is spared by."""

    def __init__(  # noqa: PLR0913  the parts of one way
        self,
        session: aiohttp.ClientSession,
        url: str,
        token: Token,
        limiter: AsyncLimiter,
        *,
        timeout: float,
        told: Told = lambda _call, _outcome, _seconds: None,
    ) -> None:
        """Take `url` as the master's own address, with or without a slash at its end; `timeout` in seconds."""
        self._told = told
        self._session = session
        self._base = f"{url.rstrip('/')}/plugins/taskcluster/v1/"
        self._token = token
        self._limiter = limiter
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._timeout = timeout

    async def call(
        self,
        answer: TypeAdapter[T],
        method: str,
        path: str,
        *,
        body: object = None,
        query: Mapping[str, str] | None = None,
    ) -> T:
        """Make one call, repeated at once where its connection broke: every call of the plugin may be repeated."""
        tries = AsyncRetrying(
            retry=retry_if_exception_type(_BROKEN),
            stop=stop_after_attempt(_TRIES),
            wait=wait_random(0.05, 0.5),
            reraise=True,
        )
        with self._telling(method, path):
            try:
                received: Received = await tries(self._limited, method, path, body, query)
            except (aiohttp.ClientError, TimeoutError) as error:
                raise _unreachable(method, path, error) from error
            return _parsed(answer, method, path, received)

    @contextmanager
    def _telling(self, method: str, path: str) -> Iterator[None]:
        """Tell of a call: by method and first part of the path, for nothing in metrics may grow with the runs."""
        started = time.monotonic()
        outcome = "ok"
        try:
            yield
        except Exception as fault:
            outcome = type(fault).__name__
            raise
        finally:
            self._told(f"{method} {path.partition('/')[0]}", outcome, time.monotonic() - started)

    async def poll(self, answer: TypeAdapter[T], path: str, *, query: Mapping[str, str], wait: float) -> T:
        """Make one call that the plugin may hold back for `wait` seconds; outside the rate, never repeated."""
        try:
            received = await self._once("GET", path, None, query, self._timeout + wait)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _unreachable("GET", path, error) from error
        return _parsed(answer, "GET", path, received)

    async def _limited(self, method: str, path: str, body: object, query: Mapping[str, str] | None) -> Received:
        # Outside the time limit: a call that waits for its turn has not been made yet, and did not fail.
        async with self._slots, self._limiter:
            return await self._once(method, path, body, query, self._timeout)

    async def _once(self, method: str, path: str, body: object, query: Mapping[str, str] | None, within: float) -> Received:
        async with self._session.request(
            method,
            self._base + path,
            data=None if body is None else _serialised(body),
            params=query,
            headers={"Authorization": f"Bearer {self._token()}", "Content-Type": "application/json"},
            # `connect` would count the wait for a free connection of the pool as well
            timeout=aiohttp.ClientTimeout(total=within, sock_connect=min(10.0, within)),
            allow_redirects=False,  # a redirect would carry the token elsewhere
        ) as response:
            return Received(response.status, _seconds(response.headers.get("Retry-After")), await _read(response))


def _serialised(body: object) -> bytes:
    """Write JSON without escapes, which could treble it, unless it holds half a surrogate pair, which UTF-8 cannot."""
    try:
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(body, separators=(",", ":")).encode()


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Read a body up to the cap; aiohttp raises ClientPayloadError where it is shorter than announced."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_chunked(_CHUNK):
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_ANSWER:
            raise Unavailable(f"the master's answer is larger than {MAX_ANSWER} bytes")
    return b"".join(chunks)


def _parsed(answer: TypeAdapter[T], method: str, path: str, received: Received) -> T:
    if not 200 <= received.status < 300:
        error = _own_error(received.body)
        code, message = (error.error.code, error.error.message) if error else (None, _excerpt(received.body))
        text = f"{method} {path}: HTTP {received.status}: {message}"
        raise of_answer(received.status, code, message if code in FOR_AUTHORS else text, received.retry_after)
    try:
        return answer.validate_json(received.body)
    except ValidationError as error:
        # Without the input: it may hold properties that are nobody's business in a log.
        problems = error.errors(include_input=False, include_url=False)
        text = f"{method} {path}: not the plugin's answer: {problems[0]['msg']} at {problems[0]['loc']}"
        raise Unavailable(text) from None


def _own_error(body: bytes) -> ErrorAnswer | None:
    try:
        return ErrorAnswer.model_validate_json(body)
    except ValidationError:
        return None


def _excerpt(body: bytes) -> str:
    return " ".join(body[:200].decode("utf-8", "replace").split()) or "no body"


def _unreachable(method: str, path: str, error: Exception) -> Unavailable:
    return Unavailable(f"{method} {path}: {type(error).__name__}: {error}")


def _seconds(retry_after: str | None) -> float | None:
    if retry_after is None or not (retry_after.isascii() and retry_after.isdigit()):
        return None
    return float(min(int(retry_after[:9]), 3600))
