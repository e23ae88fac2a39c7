"""The plugin on PostgreSQL: the same questions, the same answers."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import aiohttp
import pytest

from bridge.buildbot.errors import QueueFull
from tests.integration.buildbot.run import client_of, new_task
from tests.sandbox.buildbot import BuildbotSandbox


@pytest.fixture
async def on_postgres(empty_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BuildbotSandbox]:
    url = urlsplit(empty_dsn)._replace(scheme="postgresql+psycopg2").geturl()
    async with BuildbotSandbox(tmp_path_factory.mktemp("buildbot-postgres"), database_url=url) as sandbox:
        yield sandbox


async def test_a_life_on_postgres(on_postgres: BuildbotSandbox, http: aiohttp.ClientSession) -> None:
    buildbot = client_of(on_postgres, http)
    finished, running, waiting = new_task(buildbot), new_task(buildbot), new_task(buildbot)
    answers = await asyncio.gather(*(waiting.submit("parked") for _ in range(20)))
    assert sum(answer.created for answer in answers) == 1
    await finished.submit("echo", word="ü", deep={"x": [None]})
    build = (await finished.completed()).newest
    assert build is not None
    assert (await buildbot.properties(build.build_id))["deep"] == ({"x": [None]}, "Taskcluster")

    raised = await buildbot.set_priority(waiting.task_id, 0, 7)
    assert raised is not None
    assert raised.priority == 7
    results = await asyncio.gather(*(new_task(buildbot).submit("small-queue") for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(result, QueueFull) for result in results) == 2

    await running.submit("sleep")
    await running.building()
    await on_postgres.stop()
    await on_postgres.start()
    assert (await running.state()).master_shutdown
    await on_postgres.kill()
    await on_postgres.start()

    assert not (await waiting.submit("parked")).created
    listed = [state.external_id async for page in buildbot.requests() for state in page]
    assert waiting.key in listed
    states = await buildbot.states([answers[0].request_id, 4_000_000_000])
    assert ([state.external_id for state in states.states], states.missing) == ([waiting.key], (4_000_000_000,))
    assert {each.name for each in await buildbot.builders()} >= {"parked", "sleep"}
