"""One master for the tests of what builds show and give away."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import pytest

from bridge.buildbot.builds import BuildbotBuilds
from bridge.buildbot.client import Buildbot
from tests.integration.buildbot.run import Task, client_of, new_task
from tests.sandbox.buildbot import BuildbotSandbox

CONFIG = Path(__file__).with_name("builders.cfg")


@pytest.fixture(scope="session")
def signs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the builds of this master look for the files that tell them to go on."""
    return tmp_path_factory.mktemp("signs")


@pytest.fixture(scope="session")
async def master(tmp_path_factory: pytest.TempPathFactory, signs: Path) -> AsyncIterator[BuildbotSandbox]:
    config = f"SIGNS = {str(signs)!r}\n{CONFIG.read_text()}"
    async with BuildbotSandbox(tmp_path_factory.mktemp("shows"), master_config=config, workers=2) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def buildbot(master: BuildbotSandbox, http: aiohttp.ClientSession) -> Buildbot:
    return client_of(master, http)


@pytest.fixture
def builds(buildbot: Buildbot) -> BuildbotBuilds:
    return BuildbotBuilds(buildbot)


@pytest.fixture
def task(buildbot: Buildbot) -> Callable[[], Task]:
    return lambda: new_task(buildbot)
