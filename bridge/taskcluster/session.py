"""The pooled session that all calls go over: its timeouts, how answers are read, and a look at Taskcluster's clock."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from types import SimpleNamespace
from typing import Any, Final

import aiohttp

LARGEST: Final = 64 << 20
"""Bytes of an answer; a page of 1000 pending tasks with ordinary payloads has about one million."""
SKEW: Final = 60.0
"""Seconds that the clocks may differ without a word. Signatures stop to work at 15 minutes."""
_DEEPEST: Final = 200  # levels; the limits on payloads allow fewer, parsers can do from about a thousand on
_TOKEN: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)

OnSkew = Callable[[float], None]
"""Hears by how many seconds this machine's clock is ahead of Taskcluster's, when that is more than `SKEW`."""


class Answer(aiohttp.ClientResponse):
    """An answer of a Taskcluster service, read with care, whoever calls."""

    async def read(self) -> bytes:
        """Read the body, unless it says to be larger than any that makes sense."""
        if (self.content_length or 0) > LARGEST:
            self.close()
            raise aiohttp.ClientPayloadError(f"an answer of {self.content_length} bytes")
        return await super().read()

    async def json(self, **_: Any) -> Any:
        """Read the body as JSON. An error's tells `retryAfter` too, since the client's exceptions have no headers."""
        content = await super().json(loads=decoded)
        wait = self.headers.get("Retry-After", "")
        if self.status >= 400 and isinstance(content, dict) and wait.isascii() and wait.isdecimal():
            content["retryAfter"] = min(float(wait[:9]), 3600.0)
        return content


def decoded(text: str) -> Any:
    """JSON as values. One value that is nested beyond all limits must not make the thousand around it unreadable.

    What lies deeper than some hundred levels is then null, unread; a payload that deep is refused in any case.
    """
    try:
        value = json.loads(text)
        deep = text.count("[") + text.count("{") > _DEEPEST and _is_deep(value)
    except RecursionError:
        deep = True
    return json.loads("".join(_shallow(text))) if deep else value


def _is_deep(value: Any) -> bool:
    """Whether it has too many levels: some parsers can do many thousand, what reads their values cannot."""
    level = [value]
    for _ in range(_DEEPEST):
        values = [each.values() if isinstance(each, dict) else each for each in level if isinstance(each, (dict, list))]
        level = [inner for there in values for inner in there]
        if not level:
            return False
    return any(isinstance(each, (dict, list)) for each in level)


def _shallow(text: str) -> Iterator[str]:
    start = depth = 0
    for token in _TOKEN.finditer(text):
        match token.group():
            case "[" | "{":
                depth += 1
                if depth == _DEEPEST + 1:
                    yield text[start : token.start()] + "null"
            case "]" | "}":
                depth -= 1
                if depth == _DEEPEST:
                    start = token.end()
    if depth <= _DEEPEST:
        yield text[start:]


def open_session(timeout: float, on_skew: OnSkew, *, connections: int = 32) -> aiohttp.ClientSession:
    """Open a session; `timeout` in seconds bounds each call as a whole. Close it with `async with`.

    The queue can take a minute to answer while its broker is away. Waiting for that is no use: whoever asked reads the
    task's status afterwards, and has a lease to lose.
    """
    trace = aiohttp.TraceConfig()
    trace.on_request_end.append(_Clock(on_skew).compare)
    return aiohttp.ClientSession(
        response_class=Answer,
        timeout=aiohttp.ClientTimeout(total=timeout, sock_connect=min(10.0, timeout)),
        connector=aiohttp.TCPConnector(limit=connections, ttl_dns_cache=60),
        trace_configs=[trace],
    )


class _Clock:
    """Compares this machine's clock with the Date of answers; says so at most once a minute."""

    def __init__(self, on_skew: OnSkew) -> None:
        self._on_skew = on_skew
        self._said = -SKEW

    async def compare(self, _: aiohttp.ClientSession, __: SimpleNamespace, end: aiohttp.TraceRequestEndParams) -> None:
        """Hear of one answer."""
        try:
            theirs = parsedate_to_datetime(end.response.headers["Date"]).timestamp()
        except (KeyError, ValueError):
            return
        ahead = time.time() - theirs
        if abs(ahead) > SKEW and time.monotonic() - self._said >= SKEW:
            self._said = time.monotonic()
            self._on_skew(ahead)
