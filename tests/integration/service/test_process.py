"""Health means work: a process that cannot do its work is not ready, or ends; asked to end, it does so in good order."""

import asyncio
import json
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.sandbox.process import Child, became_true

SAMPLE = Path(__file__).with_name("sample.py")
ROOT = Path(__file__).parents[3]
PATIENCE = 20.0


class Service:
    """The sample as a process."""

    def __init__(self, mode: str, directory: Path) -> None:
        env = {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        self.child = Child([sys.executable, SAMPLE, mode], env=env, log=directory / f"{mode}.log", account=None)

    def lines(self, event: str) -> list[dict[str, Any]]:
        said = [json.loads(line) for line in self.child.log.splitlines() if line.startswith("{")]
        return [line for line in said if line["event"] == event]

    async def address(self) -> str:
        assert await became_true(lambda: bool(self.lines("web_listening")), PATIENCE), self.child.log
        return str(self.lines("web_listening")[0]["url"])

    async def get(self, path: str) -> tuple[int, str]:
        url = await self.address() + path
        async with aiohttp.ClientSession() as session, session.get(url, timeout=aiohttp.ClientTimeout(total=5)) as answer:
            return answer.status, await answer.text()

    async def ready(self) -> None:
        end = time.monotonic() + PATIENCE
        while (answer := await self.get("/readyz"))[0] != 200:
            assert time.monotonic() < end, answer
            await asyncio.sleep(0.05)

    async def status(self, within: float = PATIENCE) -> int | None:
        assert await self.child.ended(within), self.child.log
        return self.child.status


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Callable[[str], Service]]:
    started: list[Service] = []

    def make(mode: str) -> Service:
        started.append(Service(mode, tmp_path))
        return started[-1]

    yield make
    for service in started:
        if service.child.alive:
            await service.child.kill()


Start = Callable[[str], Service]


async def test_a_service_at_work_is_ready_and_says_who_it_is(start: Start) -> None:
    service = start("works")
    await service.ready()
    answers = {
        path: await service.get(path)
        for path in ("/healthz", "/readyz", "/__lbheartbeat__", "/__heartbeat__", "/__version__", "/metrics")
    }
    assert {path: answer[0] for path, answer in answers.items()} == dict.fromkeys(answers, 200)
    assert json.loads(answers["/readyz"][1]) == {"ready": True, "reasons": {"sample": []}}
    assert json.loads(answers["/__heartbeat__"][1]) == {"status": "ok", "checks": {"sample": {"database": "ok"}}}
    assert set(json.loads(answers["/__version__"][1])) == {"source", "version", "commit", "build"}
    await _until_measured(service, 'buildbot_bridge_loop_silence_seconds{loop="sample.steady"} ')
    assert (await service.get("/anything"))[0] == 404


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_in_good_order(start: Start, number: signal.Signals) -> None:
    service = start("works")
    await service.ready()
    service.child.tell(number)
    assert await service.status(within=5) == 0
    assert [line["replica"] for line in service.lines("closed")] == [service.lines("web_listening")[0]["replica"]]
    assert service.lines("signal")[0]["name"] == number.name


@pytest.mark.parametrize("mode", ["dies", "ends"])
async def test_a_loop_that_ends_ends_the_process(start: Start, mode: str) -> None:
    service = start(mode)
    assert await service.status() == 1
    assert service.lines("closed")
    (line,) = service.lines("service_failed")
    assert ("the loop is broken" if mode == "dies" else "came to its end") in line["exception"]
    assert "canary" not in service.child.log


async def test_a_loop_that_stalls_ends_the_process(start: Start) -> None:
    service = start("stalls")
    assert await service.status() == 1
    assert "loop special of sample has been silent" in service.lines("service_failed")[0]["exception"]
    assert service.lines("closed")


async def test_a_blocked_event_loop_ends_the_process_and_shows_where(start: Start) -> None:
    service = start("blocks")
    assert await service.status() == 1
    assert "The event loop has not turned" in service.child.log
    assert 'sample.py", line' in service.child.log


async def test_work_that_does_not_let_itself_be_ended_is_left(start: Start) -> None:
    service = start("clings")
    assert await became_true(lambda: bool(service.lines("clinging")), PATIENCE)
    service.child.tell(signal.SIGTERM)
    assert await service.status(within=8) == 1
    assert service.lines("clung")
    assert service.lines("service_not_drained")


async def test_a_second_signal_ends_it_at_once(start: Start) -> None:
    service = start("clings")
    assert await became_true(lambda: bool(service.lines("clinging")), PATIENCE)
    service.child.tell(signal.SIGTERM)
    assert await became_true(lambda: bool(service.lines("clung")), PATIENCE)
    service.child.tell(signal.SIGTERM)
    assert await service.status(within=5) == 1
    assert not service.lines("service_not_drained")


async def test_a_pause_of_the_whole_process_is_held_against_nobody(start: Start) -> None:
    service = start("works")
    await service.ready()
    service.child.tell(signal.SIGSTOP)
    await asyncio.sleep(7)  # the fault itself: longer than any silence that its loops and its event loop are allowed
    service.child.tell(signal.SIGCONT)
    await service.ready()
    seen = time.monotonic()
    await _after(lambda: service.get("/healthz"), 3)
    assert time.monotonic() - seen >= 3
    assert service.child.alive


async def _until_measured(service: Service, line: str) -> None:
    end = time.monotonic() + PATIENCE
    while line not in (await service.get("/metrics"))[1]:
        assert time.monotonic() < end
        await asyncio.sleep(0.05)


async def _after(look: Callable[[], Awaitable[object]], seconds: float) -> None:
    """Keep looking for so long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        await look()
        await asyncio.sleep(0.05)
