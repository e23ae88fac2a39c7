"""Gathers the evidence of a scenario: the double's journal and history, and Buildbot's own tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.history.evidence import Cancel, Evidence, Json
from tests.sandbox.buildbot import BuildbotSandbox

GROUP = "bridge"
CLIENTS = ("bridge", None)  # None: a call that a fault kept from being looked at


@dataclass(frozen=True)
class Seen:
    """How far Buildbot's tables were when the test began."""

    buildset: int
    request: int


async def newest(buildbot: BuildbotSandbox) -> Seen:
    sets = (await buildbot.rest("buildsets?order=-bsid&limit=1"))["buildsets"]
    requests = (await buildbot.rest("buildrequests?order=-buildrequestid&limit=1"))["buildrequests"]
    return Seen(sets[0]["bsid"] if sets else 0, requests[0]["buildrequestid"] if requests else 0)


async def gather(
    root: str, buildbot: BuildbotSandbox, http: aiohttp.ClientSession, plugin: Sequence[Any], seen: Seen
) -> Evidence:
    """Collect what both sides know; `plugin` are the calls at the plugin's endpoints."""
    calls = [call for call in await _all(http, root, "journal", "entries") if _is_ours(call)]
    history = await _all(http, root, "history", "transitions")
    async with http.get(f"{root}/control/tasks") as answer:
        tasks = {each["status"]["taskId"]: each for each in (await answer.json())["tasks"]}
    cancels = [Cancel(call.begun, "/".join(call.path.split("/")[-3:-1])) for call in plugin if call.path.endswith("/cancel")]
    return Evidence(calls, history, tasks, await _requests(buildbot, seen), cancels, group=GROUP)


def _is_ours(call: Json) -> bool:
    """Admins are people; a worker with a client of its own is a stranger."""
    return call["client"] != "admin" and (call["api"] != "queue.claimTask" or call["client"] in CLIENTS)


async def _requests(buildbot: BuildbotSandbox, seen: Seen) -> dict[str, list[Json]]:
    found: dict[str, list[Json]] = {}
    sets = (await buildbot.rest(f"buildsets?bsid__gt={seen.buildset}"))["buildsets"]
    requests = (await buildbot.rest(f"buildrequests?buildrequestid__gt={seen.request}"))["buildrequests"]
    builds = (await buildbot.rest(f"builds?buildrequestid__gt={seen.request}"))["builds"]
    for request in requests:
        of_it = [build for build in builds if build["buildrequestid"] == request["buildrequestid"]]
        request["builds"] = sorted(of_it, key=lambda build: build["buildid"])
    for each in sets:
        if each["external_idstring"] and each.get("rebuilt_buildid") is None:
            mine = [request for request in requests if request["buildsetid"] == each["bsid"]]
            found.setdefault(each["external_idstring"], []).extend(mine)
    return found


async def _all(http: aiohttp.ClientSession, root: str, window: str, name: str) -> list[Json]:
    found: list[Json] = []
    since = 0
    while True:
        async with http.get(f"{root}/control/{window}?since={since}") as answer:
            page = await answer.json()
        if not page[name]:
            return found
        found += page[name]
        since = page["next"]


async def tidy(buildbot: BuildbotSandbox, evidence: Evidence) -> None:
    """End what a test left open in the shared master."""
    for request in (r for requests in evidence.requests.values() for r in requests if not r["complete"]):
        await buildbot.control(f"buildrequests/{request['buildrequestid']}", "cancel", reason="the test is over")


def told(evidence: Evidence, plugin: Sequence[Any]) -> list[str]:
    """What happened outside, a line each, for people who look for the cause of a failure."""
    calls = [
        (e["unix"], f"{e['taskId']}/{e['runId']} {e['api']} {e['status']}/{e['done']} {e['client']}") for e in evidence.calls
    ]
    calls += [(c.begun, f"plugin {c.method} {c.path.split('/v1/')[-1]} {c.status}") for c in plugin]
    calls += [(t["unix"], f"{t['taskId']}/{t['runId']} is {t['state']} {t['reason'] or ''}") for t in evidence.history]
    return [f"{when % 1000:7.3f}     {what}" for when, what in calls]
