"""The engine in this process, between a real PostgreSQL, a real Buildbot and the queue double.

Every test ends with the judgement of `tests.history`, whatever the test itself asserted.
"""

import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest

from tests.doubles.taskcluster import server, settings
from tests.history.judge import judge
from tests.integration.engine import checker
from tests.integration.engine.house import KEY, SCOPES, House, Opener, PluginCall, admin, traced
from tests.sandbox.buildbot import BuildbotSandbox

PERIODS = {"pollSeconds": 0.2, "deadlineDelaySeconds": 1}
PATIENT = aiohttp.ClientTimeout(total=30)


@pytest.fixture(scope="session")
async def buildbot(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BuildbotSandbox]:
    async with BuildbotSandbox(tmp_path_factory.mktemp("buildbot"), workers=2) as sandbox:
        yield sandbox


@pytest.fixture
async def house(postgres_dsn: str, buildbot: BuildbotSandbox) -> AsyncIterator[House]:
    clients = {"bridge": {"accessToken": KEY, "scopes": SCOPES}, "admin": {"accessToken": KEY, "scopes": ["*"]}}
    config = settings.Settings.of({"clients": clients, "periods": PERIODS})
    plugin: list[PluginCall] = []
    async with contextlib.AsyncExitStack() as stack:
        double = await stack.enter_async_context(server.serving(config))
        trace = traced(plugin, lambda: double.now() / 1e6)
        http = await stack.enter_async_context(aiohttp.ClientSession(timeout=PATIENT))
        watched = await stack.enter_async_context(aiohttp.ClientSession(timeout=PATIENT, trace_configs=[trace]))
        opener = Opener(postgres_dsn, double, buildbot, http, watched, lambda: buildbot.token)
        one = await stack.enter_async_context(opener.replica("me"))
        seen = await checker.newest(buildbot)
        house = House(one, double, buildbot, admin(double.root_url, http), http, postgres_dsn, stack, opener, plugin, [one])
        yield house
        await _judge(house, seen)


async def _judge(house: House, seen: checker.Seen) -> None:
    evidence = await checker.gather(house.double.root_url, house.buildbot, house.http, house.plugin, seen)
    await checker.tidy(house.buildbot, evidence)
    replicas = list({id(each): each for each in [house.one, *house.replicas]}.values())
    for line in sorted([line for each in replicas for line in each.told.log] + checker.told(evidence, house.plugin)):
        print(line)  # pytest shows it where a test failed
    assert judge(evidence, allowed=house.allowed) == []
    assert [defect for each in replicas for defect in each.told.defects] == []


@pytest.fixture
def counters(house: House) -> Callable[[], Any]:
    async def read() -> dict[str, int]:
        return (await house.control("GET", "counters"))["calls"]

    return read
