"""A build of a real Buildbot is followed while it runs."""

import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from bridge.buildbot.builds import BuildbotBuilds
from bridge.buildbot.client import Buildbot
from bridge.core.request import BuildState
from bridge.engine.transcript import transcript
from bridge.livelog.address import Grant
from bridge.livelog.server import Bounds
from tests.integration.buildbot.polling import until
from tests.integration.buildbot.run import Task, client_of, new_task
from tests.integration.livelog.house import RUN, House, other
from tests.sandbox.buildbot import BuildbotSandbox

CONFIG = Path(__file__).with_name("builders.cfg")


@pytest.fixture(scope="module")
def signs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the builds look for the files that tell them to go on."""
    return tmp_path_factory.mktemp("signs")


@pytest.fixture(scope="module")
async def master(tmp_path_factory: pytest.TempPathFactory, signs: Path) -> AsyncIterator[BuildbotSandbox]:
    config = f"SIGNS = {str(signs)!r}\n{CONFIG.read_text()}"
    async with BuildbotSandbox(tmp_path_factory.mktemp("followed"), master_config=config) as sandbox:
        yield sandbox


@pytest.fixture
async def client(master: BuildbotSandbox) -> AsyncIterator[Buildbot]:
    async with aiohttp.ClientSession() as http:
        yield client_of(master, http)


async def started(run: Task) -> BuildState:
    build = (await until(run.state, lambda state: state.newest is not None)).newest
    assert build is not None
    return build


def granted(run: Task, build: BuildState) -> Grant:
    return other(build_id=build.build_id, external_id=run.key)


async def test_the_lines_of_a_build_are_read_before_it_goes_on(client: Buildbot, signs: Path) -> None:
    run, sign = new_task(client), secrets.token_hex(8)
    await run.submit("slow", sign=sign)
    build, builds = await started(run), BuildbotBuilds(client)
    async with House(builds, Bounds(poll=0.1)).open() as house, house.reading(house.url(granted(run, build))) as body:
        text = b""
        for number in range(2):
            # The build cannot go on before the sign, and the sign is given only when the line was read.
            text += await body.readuntil(f"\x1b[32mline {number}\x1b[0m\n".encode())
            assert not (await run.state()).complete
            (signs / f"{sign}-go-{number}").touch()
        text += await body.read()
    assert (await run.state()).results == 2
    later = "".join([piece async for piece in transcript(builds, build.build_id, str)])
    assert text.decode() == later
    assert "--- Log: page (HTML: see it in Buildbot)\n--- Log: notes\none\ntwo, with é\n" in later
    assert "(hidden in Buildbot)\n    docs: https://docs.example/\n" in later
    assert "\nthe end\n" in later
    assert later.splitlines()[-1].startswith(f"=== Build {build.number} ended FAILURE: ")
    assert later.startswith(f"=== Build {build.number} of slow on worker-1, started 20")


async def test_the_log_goes_on_after_the_master_was_away(client: Buildbot, signs: Path, master: BuildbotSandbox) -> None:
    run, sign = new_task(client), secrets.token_hex(8)
    await run.submit("slow", sign=sign)
    build = await started(run)
    house = House(BuildbotBuilds(client), Bounds(poll=0.1))
    async with house.open(), house.reading(house.url(granted(run, build))) as body:
        await body.readuntil(b"line 0\x1b[0m\n")
        await master.kill()
        await body.readuntil(b"[the log goes on when Buildbot answers again]\n")
        await master.start()
        await master.await_worker()
        # The first build ended RETRY when the master started again. Its log is its own; the next build has another.
        rest = (await body.read()).decode()
    assert rest.splitlines()[-1].startswith(f"=== Build {build.number} ended RETRY")
    assert rest.count("line 0") == 0
    assert house.refused == []
    for number in range(2):
        (signs / f"{sign}-go-{number}").touch()
    state = await run.completed()
    assert state.newest is not None
    assert state.newest.build_id != build.build_id
    async with house.open():
        _, text, _ = await house.get(house.url(granted(run, state.newest)))
        assert text.count("line 0") == 1
        status, _, _ = await house.get(house.url(other(build_id=build.build_id, external_id=f"{RUN}")))
        assert status == 404
