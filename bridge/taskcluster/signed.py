"""Taskcluster's own clients, with a leaner way from a call to its answer.

What a method is called, its arguments, its address and its scopes are the generated client's business. How it is sent is
ours: signed by `hawk`, sent once, its answer read once. The client would write each answer, with its headers and the
request's, into debug lines that nobody sees; a call costs three tenths less CPU without that.
"""

from __future__ import annotations

import secrets
import time
from typing import Any, Final

import aiohttp
import taskcluster.aio
from taskcluster import exceptions, utils
from yarl import URL

from bridge.taskcluster.hawk import Signer

_NO_CONTENT: Final = 204
_SKIPPED: Final = ("Content-Type",)  # a call without a body has none, and aiohttp would make one up


class Signed:
    """Sends the calls of the client that it is mixed into, once: whoever calls knows what may be repeated."""

    session: aiohttp.ClientSession
    options: dict[str, Any]

    async def _makeHttpRequest(self, method: str, route: str, payload: object) -> Any:  # noqa: N802  the client's own name
        """Send one call. Raises what the client would: its own exceptions, or aiohttp's for a 5xx and a timeout."""
        url: str = self._constructUrl(route)  # type: ignore[attr-defined]  # the client's
        body = None if payload is None else utils.dumpJson(payload)
        headers = self._signature(method, url, body) | ({"Content-Type": "application/json"} if body else {})
        try:
            # Not quoted anew: the address is what was signed.
            async with self.session.request(
                method.upper(),
                URL(url, encoded=True),
                data=body,
                headers=headers,
                skip_auto_headers=_SKIPPED,
                allow_redirects=False,
            ) as response:
                await response.read()
        except aiohttp.ClientError as broken:
            raise exceptions.TaskclusterConnectionError("Failed to establish connection", superExc=broken) from None
        return await _answered(response)

    def _signature(self, method: str, url: str, body: str | None) -> dict[str, str]:
        if not self._hasCredentials():  # type: ignore[attr-defined]  # the client's
            return {}
        who = self.options["credentials"]
        ext: bytes = self.makeHawkExt()  # type: ignore[attr-defined]  # the client's
        signer = Signer(who["clientId"].decode(), who["accessToken"], ext.decode())
        return {"Authorization": signer.header(method, url, body, int(time.time()), secrets.token_urlsafe(6))}


class Queue(Signed, taskcluster.aio.Queue):  # type: ignore[misc]  # the client has no types
    """The queue."""


class Auth(Signed, taskcluster.aio.Auth):  # type: ignore[misc]
    """The auth service."""


class Object(Signed, taskcluster.aio.Object):  # type: ignore[misc]
    """The object service."""


async def _answered(response: aiohttp.ClientResponse) -> Any:
    """The answer, or the exception that it is."""
    if response.status >= 500:
        response.raise_for_status()
    if response.status >= 400:
        raise await _refusal(response)
    if response.status == _NO_CONTENT:
        return None
    try:
        return await response.json()
    except (ValueError, aiohttp.ContentTypeError):
        return {"response": response}


async def _refusal(response: aiohttp.ClientResponse) -> exceptions.TaskclusterRestFailure:
    try:
        said = await response.json()
    except (ValueError, aiohttp.ClientError):
        said = {}
    message = said.get("message") if isinstance(said, dict) else None
    kind = exceptions.TaskclusterAuthFailure if response.status == 401 else exceptions.TaskclusterRestFailure
    return kind(message or f"Unknown Server Error {response.status}", status_code=response.status, body=said, superExc=None)
