"""One real master with two real workers for all tests here; a test that harms it puts it right again."""

from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest

from bridge.buildbot.client import Buildbot
from tests.integration.buildbot.run import Task, client_of, new_task
from tests.sandbox.buildbot import BuildbotSandbox


@pytest.fixture(scope="session")
async def master(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BuildbotSandbox]:
    async with BuildbotSandbox(tmp_path_factory.mktemp("buildbot"), workers=2) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def buildbot(master: BuildbotSandbox, http: aiohttp.ClientSession) -> Buildbot:
    return client_of(master, http)


@pytest.fixture
def task(buildbot: Buildbot) -> Callable[[], Task]:
    return lambda: new_task(buildbot)
