"""Looks at a Buildbot."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, Final

import aiohttp
from aiolimiter import AsyncLimiter

from bridge.buildbot.answers import Builder
from bridge.buildbot.client import Buildbot
from bridge.buildbot.errors import Unauthorized
from bridge.buildbot.exchange import Exchange
from bridge.core import faults
from bridge.core.admission import matches
from bridge.doctor.finding import Finding, failure, ok, warning
from bridge.settings import Settings

_LISTED: Final = 12


async def look(settings: Settings, name: str) -> AsyncIterator[Finding]:
    """The plugin answers, is of our version, accepts the token, and opens the builders that the pools allow."""
    section, subject = settings.buildbots[name], f"buildbot {name}"
    limit = min(section.timeout, 15.0)
    async with aiohttp.ClientSession() as session:
        client = Buildbot(Exchange(session, section.url, section.bearer, AsyncLimiter(10, 1), timeout=limit))
        try:
            version = await client.version()
            builders = await client.builders()
        except Unauthorized:
            remedy = f"Give buildbots.{name}.token the token that TaskclusterBridge has in the master.cfg."
            yield failure(subject, "the plugin does not accept the token", remedy)
            return
        except faults.Fault as fault:
            yield failure(subject, f"{section.url}: {fault}", _mend(name, str(fault)))
            return
        yield ok(subject, f"{section.url}: Buildbot {version.buildbot_version}, plugin {version.version}")
        if version.stopping:
            yield warning(subject, "the master is stopping", "Wait until it is back; tasks wait meanwhile.")
        for finding in [*_version(subject, version.version), *_builders(settings, name, builders)]:
            yield finding
        async for finding in _anonymous_force(subject, section.url, session, limit):
            yield finding


def _mend(name: str, fault: str) -> str:
    if "HTTP 404" in fault or "not the plugin's answer" in fault:
        return (
            f"Check buildbots.{name}.url, and that the master.cfg has util.TaskclusterBridge among its services and "
            "c['www']['plugins']['taskcluster'] = {}."
        )
    return f"Check buildbots.{name}.url, that the master runs, and that it can be reached from here."


def _version(subject: str, plugin: str) -> Iterator[Finding]:
    from bridge.web.health import release

    ours = release()
    if plugin.split(".")[:2] != ours.split(".")[:2]:
        yield warning(
            f"{subject}: plugin",
            f"the plugin is of version {plugin}, the bridge of {ours}",
            "Install the same release of buildbot-bridge in the master's environment, and restart the master.",
        )


def _builders(settings: Settings, name: str, builders: Sequence[Builder]) -> Iterator[Finding]:
    known = {builder.name for builder in builders}
    for pool, section in settings.pools.items():
        if section.buildbot != name:
            continue
        subject = f"pool {pool}: builders"
        lost = [pattern for pattern in section.builders if not any(matches(each, [pattern]) for each in known)]
        for pattern in lost:
            yield failure(
                subject,
                f"{pattern} is allowed in pools.{pool}.builders, and the master opens no such builder to the bridge",
                f"Correct it (there are: {_some(known)}), or open it in the master.cfg: TaskclusterBridge(builders=[…]).",
            )
        usable = {each for each in known if matches(each, section.builders) and not matches(each, section.deny)}
        if not section.builders:
            yield warning(
                subject, "none is allowed: every task is refused", f'Set pools.{pool}.builders, for example ["*"].'
            )
        elif not lost:
            yield ok(subject, f"{len(usable)} of {len(known)} open builders may be used")
        idle = {each.name for each in builders if each.name in usable and not each.connected_workers}
        if idle:
            yield warning(subject, f"no worker is connected for {_some(idle)}", "Start a worker; tasks wait meanwhile.")


def _some(names: set[str]) -> str:
    listed = sorted(names)
    return ", ".join(listed[:_LISTED]) + (f" and {len(listed) - _LISTED} more" if len(listed) > _LISTED else "") or "none"


async def _anonymous_force(subject: str, url: str, session: aiohttp.ClientSession, limit: float) -> AsyncIterator[Finding]:
    """Whoever reaches a master without a login and with force schedulers starts builds past Taskcluster's scopes."""
    schedulers = await _read(session, f"{url}/api/v2/forceschedulers", limit)
    config = await _read(session, f"{url}/config", limit)
    names = [each.get("name") for each in schedulers.get("forceschedulers", []) if isinstance(each, dict)]
    auth = config.get("auth")
    if names and isinstance(auth, dict) and auth.get("name") == "NoAuth":
        yield warning(
            f"{subject}: force",
            f"the master has no login and force schedulers ({', '.join(map(str, names))}): whoever reaches it starts builds",
            "Set c['www']['auth'] and c['www']['authz'] in the master.cfg, unless the authz there denies it to anybody.",
        )


async def _read(session: aiohttp.ClientSession, url: str, limit: float) -> dict[str, Any]:
    """A JSON object that anybody may read; an empty one where nobody may."""
    try:
        timeout = aiohttp.ClientTimeout(total=limit)
        async with session.get(url, allow_redirects=False, timeout=timeout) as answer:
            found = json.loads(await answer.text()) if answer.status == 200 else {}
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
