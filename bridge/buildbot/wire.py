"""A single HTTP request to the plugin, and what an answer other than success means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import aiohttp
from pydantic import ValidationError

from bridge.buildbot.errors import FOR_AUTHORS, Unavailable, of_answer
from bridge.buildbot.messages import ErrorAnswer
from bridge.core.faults import Fault

MAX_ANSWER: Final = 64 << 20
"""Bytes; 10,000 states with one build each are about 5 MB."""
_CHUNK: Final = 1 << 16

Told = Callable[[str, str, float], None]
"""Hears of each call but the long-polls: what was called, `ok` or the kind of fault, and seconds."""
Token = Callable[[], str]
"""Asked on each call, so that an exchanged token works without a restart."""
FAULTS: Final = (aiohttp.ClientError, TimeoutError)
"""What aiohttp raises where a request came to no answer, or its body to no end."""


@dataclass(frozen=True, slots=True)
class Received:
    status: int
    retry_after: float | None
    body: bytes


class Wire:
    """The way to one plugin: its address, the token and the pooled session."""

    def __init__(
        self, session: aiohttp.ClientSession, url: str, token: Token, more: Callable[[], Mapping[str, str]] = dict
    ) -> None:
        """Take `url` as the master's own address, with or without a slash at its end; `more` headers for each request."""
        self._session = session
        self._base = f"{url.rstrip('/')}/plugins/taskcluster/v1/"
        self._token = token
        self._more = more

    def request(  # noqa: PLR0913 - the parts of one request
        self,
        method: str,
        path: str,
        *,
        timeout: aiohttp.ClientTimeout,
        data: bytes | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """Send one request. It never follows a redirect, which would carry the token elsewhere."""
        own = {"Authorization": f"Bearer {self._token()}", "Content-Type": "application/json"}
        return self._session.request(
            method,
            self._base + path,
            data=data,
            params=query,
            headers={**self._more(), **own, **headers},
            timeout=timeout,
            allow_redirects=False,
        )


async def receive(response: aiohttp.ClientResponse) -> Received:
    """Read an answer up to the cap; aiohttp raises ClientPayloadError where its body is shorter than announced."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_chunked(_CHUNK):
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_ANSWER:
            raise Unavailable(f"the master's answer is larger than {MAX_ANSWER} bytes")
    return Received(response.status, _seconds(response.headers.get("Retry-After")), b"".join(chunks))


def refusal(method: str, path: str, received: Received) -> Fault:
    """Say what an answer other than success means."""
    error = _own_error(received.body)
    code, message = (error.error.code, error.error.message) if error else (None, _excerpt(received.body))
    text = f"{method} {path}: HTTP {received.status}: {message}"
    return of_answer(received.status, code, message if code in FOR_AUTHORS else text, received.retry_after)


def unreachable(method: str, path: str, error: Exception) -> Unavailable:
    """Name the fault for a request that came to no answer."""
    return Unavailable(f"{method} {path}: {type(error).__name__}: {error}")


def _own_error(body: bytes) -> ErrorAnswer | None:
    try:
        return ErrorAnswer.model_validate_json(body)
    except ValidationError:
        return None


def _excerpt(body: bytes) -> str:
    return " ".join(body[:200].decode("utf-8", "replace").split()) or "no body"


def _seconds(retry_after: str | None) -> float | None:
    if retry_after is None or not (retry_after.isascii() and retry_after.isdigit()):
        return None
    return float(min(int(retry_after[:9]), 3600))
