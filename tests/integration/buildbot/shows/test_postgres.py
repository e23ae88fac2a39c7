"""What builds show and give away, where Buildbot keeps its tables in PostgreSQL."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from bridge.buildbot.builds import BuildbotBuilds
from tests.integration.buildbot.polling import until
from tests.integration.buildbot.run import client_of, new_task
from tests.integration.buildbot.shows.giving import contents, gave, spool
from tests.sandbox.buildbot import BuildbotSandbox

CONFIG = Path(__file__).with_name("builders.cfg")
URL = "https://tc.example/tasks/RQ6OGWNuRYCLxPGx9t3GZg/runs/0"


@pytest.fixture
async def on_postgres(empty_dsn: str, tmp_path: Path) -> AsyncIterator[BuildbotSandbox]:
    url = urlsplit(empty_dsn)._replace(scheme="postgresql+psycopg2").geturl()
    config = f"SIGNS = {str(tmp_path)!r}\n{CONFIG.read_text()}"
    async with BuildbotSandbox(tmp_path / "buildbot", database_url=url, master_config=config) as sandbox:
        yield sandbox


async def test_a_build_on_postgres(on_postgres: BuildbotSandbox, http: aiohttp.ClientSession) -> None:
    buildbot = client_of(on_postgres, http)
    builds = BuildbotBuilds(buildbot)
    counting = new_task(buildbot)
    await counting.submit("counts", last=50_000)
    build = await gave(new_task(buildbot), script="echo 1 > one", source="one", taskcluster_task_url=URL)
    assert await contents(builds, build) == {"public/build/one": b"1\n"}
    record = await builds.record(build.build_id)
    assert dict(record.steps[0].urls) == {"Taskcluster task": URL}

    counted = (await counting.completed()).newest
    assert counted is not None
    (log,) = [log for step in (await builds.record(counted.build_id)).steps if step.name == "counts" for log in step.logs]
    said, line, complete = "", 0, False
    while not complete:
        piece = await builds.log_piece(counted.build_id, log.log_id, line)
        said, line, complete = said + piece.text, piece.next_line, piece.complete
    assert [int(each) for each in said.splitlines() if each.isdecimal()] == list(range(50_001))

    old = f"{on_postgres.master_config}\nBRIDGE['spool_days'] = 1e-9\n"

    async def kept() -> bool:
        # Each configuration has the spool looked at; what is of this very second is not old yet.
        assert await on_postgres.reconfig(old) == "complete"
        return (spool(on_postgres) / str(build.build_id)).exists()

    await until(kept, lambda there: not there)
    assert await builds.outputs(build.build_id) == ()
