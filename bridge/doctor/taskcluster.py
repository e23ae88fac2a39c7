"""Looks at Taskcluster."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from typing import Final

import aiohttp
from aiolimiter import AsyncLimiter

from bridge.core import faults
from bridge.doctor.finding import Finding, failure, ok, warning
from bridge.doctor.scopes import beyond, needed
from bridge.settings import Settings
from bridge.taskcluster.calls import Calls
from bridge.taskcluster.credentials import Credentials

_SKEW: Final = 60.0
_FATAL: Final = 840.0
"""Seconds; signatures are good for 15 minutes around the other side's time."""
_LISTED: Final = 8


async def look(settings: Settings) -> AsyncIterator[Finding]:
    """The root answers, its clock is ours, and the credentials are valid and hold the scopes needed."""
    limit = min(settings.taskcluster.timeout, 15.0)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=limit)) as session:
        reached = True
        async for finding in _root(settings.taskcluster.root_url, session):
            reached = reached and finding.level != "failure"
            yield finding
        if reached:
            async for finding in _credentials(settings, session):
                yield finding


async def _root(root_url: str, session: aiohttp.ClientSession) -> AsyncIterator[Finding]:
    url = f"{root_url}/api/queue/v1/ping"
    remedy = f"Check taskcluster.root_url, and that {url} can be reached from here."
    try:
        async with session.get(url, allow_redirects=False) as answer:
            text = await answer.text(errors="replace")
            date = answer.headers.get("Date")
    except (aiohttp.ClientError, TimeoutError) as error:
        yield failure("taskcluster", f"{root_url} cannot be reached: {type(error).__name__}: {error}", remedy)
        return
    if answer.status != 200 or not _alive(text):
        kind = "HTML" if "<html" in text.lower() else f"{len(text)} characters"
        yield failure("taskcluster", f"{url} answers {answer.status} with {kind}, not as a Taskcluster does", remedy)
        return
    yield ok("taskcluster", f"{root_url} answers")
    if date and abs(skew := time.time() - parsedate_to_datetime(date).timestamp()) > _SKEW:
        said = f"this machine's clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} Taskcluster's"
        judge = failure if abs(skew) > _FATAL else warning
        yield judge("taskcluster: time", said, "Synchronise this machine by NTP: signatures are refused after 15 minutes.")


def _alive(text: str) -> bool:
    try:
        answer = json.loads(text)
    except ValueError:
        return False
    return isinstance(answer, dict) and answer.get("alive") is True


async def _credentials(settings: Settings, session: aiohttp.ClientSession) -> AsyncIterator[Finding]:
    section = settings.taskcluster
    calls = Calls(section.root_url, session, AsyncLimiter(10, 1), lambda *_: None)
    certificate = section.certificate_text
    who = Credentials(section.client_id, section.token(), certificate() if certificate else None)
    try:
        held = list((await calls.auth(who, None, "currentScopes"))["scopes"])
    except faults.NotAllowed as error:
        remedy = "Correct taskcluster.client_id and access_token (or renew the client, if it has expired or is disabled)."
        yield failure("taskcluster: credentials", str(error), remedy)
        return
    except (faults.Fault, KeyError, TypeError) as error:
        remedy = "See whether Taskcluster's auth service is well, and try again."
        yield failure("taskcluster: credentials", f"the scopes cannot be read: {error}", remedy)
        return
    yield ok("taskcluster: credentials", f"client {section.client_id} is valid")
    if certificate is not None:
        said = "these are temporary credentials: the bridge ends with them"
        yield warning("taskcluster: credentials", said, "Make a permanent client for the bridge.")
    for finding in _scopes(settings, held, await _anonymous(calls)):
        yield finding


async def _anonymous(calls: Calls) -> list[str]:
    """The scopes that anybody has; none where a deployment does not tell."""
    try:
        return list((await calls.auth(None, None, "currentScopes"))["scopes"])
    except (faults.Fault, KeyError, TypeError):
        return []


def _scopes(settings: Settings, held: list[str], anonymous: list[str]) -> list[Finding]:
    needs = needed(settings)
    found = [
        failure(
            "taskcluster: scopes", f"{need.scope} is missing: it is needed {need.why}", f"Add to the client: {need.scope}"
        )
        for need in needs
        if not need.met(held)
    ]
    if not found:
        found.append(ok("taskcluster: scopes", f"all {len(needs)} that are needed are there"))
    if more := beyond(held, needs, anonymous):
        listed = ", ".join(more[:_LISTED]) + (f" and {len(more) - _LISTED} more" if len(more) > _LISTED else "")
        found.append(
            warning(
                "taskcluster: scopes",
                f"the client holds more than the bridge needs: {listed}",
                "Remove them from the client; `bbb scopes` prints what is needed.",
            )
        )
    return found
