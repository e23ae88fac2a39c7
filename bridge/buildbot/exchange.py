"""One HTTP exchange with the plugin: sent once or, where the connection broke, a few times; parsed, or a fault."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

import aiohttp
from aiolimiter import AsyncLimiter
from pydantic import TypeAdapter, ValidationError
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random

from bridge.buildbot.bulk import Bulk
from bridge.buildbot.errors import Unavailable
from bridge.buildbot.telling import telling
from bridge.buildbot.wire import FAULTS, Received, Token, Told, Wire, receive, refusal, unreachable

AT_ONCE: Final = 8
"""Calls under way: a master does one thing at a time, and more would only grow old in its queue."""
# A kept-alive connection that the other side has just closed, or a master that is being restarted: worth a second
# try at once. A timeout is not, it would multiply the wait; nor is a 5xx, the row's own backoff is for that.
_BROKEN: Final = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError)
_PAUSE: Final = (0.05, 0.5)
"""Seconds between two tries."""
_again = AsyncRetrying(
    retry=retry_if_exception_type(_BROKEN), stop=stop_after_attempt(2), wait=wait_random(*_PAUSE), reraise=True
)
"""The second try, and the third."""

T = TypeVar("T")


class Exchange:
    """The way to one plugin, and the rate that the master is spared by. `bulk` reads large bodies beside the calls."""

    def __init__(  # noqa: PLR0913  the parts of one way
        self,
        session: aiohttp.ClientSession,
        url: str,
        token: Token,
        limiter: AsyncLimiter,
        *,
        timeout: float,
        told: Told = lambda _call, _outcome, _seconds: None,
        more: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        """Take `url` as the master's own address, with or without a slash at its end; `timeout` in seconds.

        `more` gives headers for each request.
        """
        self._told = told
        self._wire = Wire(session, url, token, more)
        self._limiter = limiter
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._timeout = timeout
        self.bulk = Bulk(self._wire, told)

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
        with telling(self._told, method, path):
            try:
                received: Received = await self._tried(method, path, body, query)
            except FAULTS as error:
                raise unreachable(method, path, error) from error
            return _parsed(answer, method, path, received)

    async def _tried(self, method: str, path: str, body: object, query: Mapping[str, str] | None) -> Received:
        try:
            return await self._limited(method, path, body, query)
        except _BROKEN:  # seldom: what counts the tries costs as much as a tenth of a call
            await asyncio.sleep(random.uniform(*_PAUSE))  # noqa: S311  spreads repeats, guards nothing
        return await _again.copy()(self._limited, method, path, body, query)  # one alone would mix up their counts

    async def poll(self, answer: TypeAdapter[T], path: str, *, query: Mapping[str, str], wait: float) -> T:
        """Make one call that the plugin may hold back for `wait` seconds; outside the rate, never repeated."""
        try:
            received = await self._once("GET", path, None, query, self._timeout + wait)
        except FAULTS as error:
            raise unreachable("GET", path, error) from error
        return _parsed(answer, "GET", path, received)

    async def _limited(self, method: str, path: str, body: object, query: Mapping[str, str] | None) -> Received:
        # Outside the time limit: a call that waits for its turn has not been made yet, and did not fail.
        async with self._slots, self._limiter:
            return await self._once(method, path, body, query, self._timeout)

    async def _once(self, method: str, path: str, body: object, query: Mapping[str, str] | None, within: float) -> Received:
        # `connect` would count the wait for a free connection of the pool as well
        timeout = aiohttp.ClientTimeout(total=within, sock_connect=min(10.0, within))
        data = None if body is None else _serialised(body)
        async with self._wire.request(method, path, data=data, query=query, timeout=timeout) as response:
            return await receive(response)


def _serialised(body: object) -> bytes:
    """Write JSON without escapes, which could treble it, unless it holds half a surrogate pair, which UTF-8 cannot."""
    try:
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(body, separators=(",", ":")).encode()


def _parsed(answer: TypeAdapter[T], method: str, path: str, received: Received) -> T:
    if not 200 <= received.status < 300:
        raise refusal(method, path, received)
    try:
        return answer.validate_json(received.body)
    except ValidationError as error:
        # Without the input: it may hold properties that are nobody's business in a log.
        problems = error.errors(include_input=False, include_url=False)
        text = f"{method} {path}: not the plugin's answer: {problems[0]['msg']} at {problems[0]['loc']}"
        raise Unavailable(text) from None
