"""The bench's ledger answers in the form of the plugin: what is measured against it is what a master would have been asked."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.bench.ledger.server import PLUGIN, Ledger
from tests.integration.buildbot.run import Task
from tests.sandbox.buildbot import BuildbotSandbox

TOKEN = "a-token-of-the-ledger"
TASK = "EphH_6vxS1KeAMtr0XMqKA"


@pytest.fixture
async def ledger() -> AsyncIterator[str]:
    runner = web.AppRunner(Ledger(TOKEN).application())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


class Asker:
    """Asks one of the two, and gives the forms of what it says."""

    def __init__(self, http: aiohttp.ClientSession, url: str, token: str) -> None:
        self.http, self.url, self.token = http, f"{url.rstrip('/')}{PLUGIN}", token

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        async with self.http.request(method, f"{self.url}/{path}", json=body, headers=headers) as answer:
            assert answer.status < 300, await answer.text()
            if answer.content_type != "application/json":
                return {"text": await answer.text()} | {name: answer.headers[name] for name in ("X-Next-Line", "X-Complete")}
            return await answer.json()

    async def forms(self, task: str, builder: str) -> dict[str, Any]:
        """The form of every answer about a build that was carried to its end."""
        body = {"builder": builder, "properties": {"a": 1}, "reason": "a test", "not_before": 0}
        submitted = await self.ask("PUT", f"runs/{task}/0", body)
        async with asyncio.timeout(30):
            while not (state := await self.ask("GET", f"runs/{task}/0"))["complete"]:
                await asyncio.sleep(0.1)
        build = state["builds"][-1]["buildid"]
        steps = await self.ask("GET", f"builds/{build}/steps")
        log = next(log["logid"] for step in steps["steps"] for log in step["logs"])
        states = await self.ask("POST", "states", {"buildrequestids": [submitted["buildrequestid"], 987_654]})
        last = submitted["buildrequestid"] - 1
        version = await self.ask("GET", "version")
        first = await self.ask("GET", "changes?after=0&wait=0")
        news = await self.ask("GET", f"changes?epoch={first['epoch']}&after=0&wait=0")
        return {
            "submit": _form(submitted),
            "again": _form(await self.ask("PUT", f"runs/{task}/0", body)),
            "find": _form(state),
            "states": _form(states),
            "steps": _form(steps | {"steps": [step for step in steps["steps"] if step["logs"]][:1]}),
            "log": sorted(await self.ask("GET", f"builds/{build}/logs/{log}?first=0")),
            "outputs": _form(await self.ask("GET", f"builds/{build}/outputs")),
            "version": _form(version | {"builders": version["builders"][:1]}),
            # Other tests have left requests at this master: this one's.
            "requests": _form(await self.ask("GET", f"requests?completed_since=0&after={last}&limit=1")),
            "ours": _form((await self.ask("GET", f"builds/{build}/properties"))["taskcluster_task_id"]),
            "changes": _form(first),
            "events": [each["event"] for each in news["changes"] if each["buildrequest"] == submitted["buildrequestid"]],
            "change": [_form(each) for each in news["changes"] if each["buildrequest"] == submitted["buildrequestid"]],
        }


def _form(value: Any) -> Any:
    """The names of members and the kinds of values; of nulls too, for they are part of the form."""
    match value:
        case dict():
            return {name: _form(inner) for name, inner in value.items()}
        case list():
            return [_form(inner) for inner in value]
        case _:
            return type(value).__name__


async def test_the_ledger_answers_as_the_plugin_does(
    master: BuildbotSandbox, task: Any, http: aiohttp.ClientSession, ledger: str
) -> None:
    new: Task = task()
    theirs = await Asker(http, master.url, master.token).forms(new.task_id, "slow-to-start")
    ours = await Asker(http, ledger, TOKEN).forms(TASK, "slow-to-start")
    assert ours == theirs
