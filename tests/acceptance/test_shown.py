"""What a task shows: the log while the build runs and after it, and the files of the build, though processes die on the way."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import aiohttp
import pytest

from tests.acceptance.scene import Scene, cancel_all
from tests.sandbox.process import free_port
from tests.sandbox.stack import Stack

LOG, BACKING = "public/logs/live.log", "public/logs/live_backing.log"
KEY = "a key of live logs, of 32 characters and more"
LINES = 30
"""Of a build that is followed, one a second."""
LARGE = int(os.environ.get("BRIDGE_LARGE_MIB", "64")) << 20
"""Bytes: of a log, and of a file; each must fit into the growth that is allowed, were it held in memory."""
GROWTH = 48 << 20


@pytest.fixture
async def showing(rough: Stack) -> AsyncIterator[Scene]:
    """Services that show live logs. Whoever runs the services of a region has such an address."""
    port = free_port()
    live = {"public_url": f"http://127.0.0.1:{port}", "port": port, "key": KEY, "poll": 0.2}
    await rough.stop_services()
    rough.configure({"live_log": live})
    await rough.start_services()
    yield Scene(rough)
    await rough.control("DELETE", "faults")
    await rough.control("POST", "store", down=False, bytesPerSecond=None)
    await rough.start_services()
    await cancel_all(rough)
    await rough.stop_services()
    rough.configure({})


def _address(scene: Scene, task: str, name: str) -> str:
    return f"{scene.stack.root_url}/api/queue/v1/task/{task}/runs/0/artifacts/{name}"


async def test_a_running_build_is_followed_through_its_task(showing: Scene) -> None:
    """Its lines come while it runs; who reads when it is over reads the same, and more about it."""
    task = await showing.task("talking", properties={"script": f"for i in $(seq {LINES}); do echo line $i; sleep 1; done"})
    await showing.run(task, "running")
    await showing.stack.eventually(lambda: _shown(showing, task), "the live log is linked")
    seen, reads = b"", list[int]()
    async with showing.stack.http.get(_address(showing, task, LOG)) as answer:
        assert answer.status == 200, await answer.text()
        async with asyncio.timeout(90):
            while b"waiting at the gate" not in seen:
                seen += await answer.content.readany()
                reads.append(seen.count(b"line "))
            assert len(set(reads)) > 3  # a worker sends what was printed every five seconds
            assert (await showing.stack.status(task))["state"] == "running"
            await showing.let(task)
            seen += await answer.content.read()
    await showing.run(task, "completed")
    finished = await showing.log(task)
    assert [line for line in finished.splitlines() if line.startswith("line ")] == [f"line {n}" for n in range(1, LINES + 1)]
    assert seen.decode() in finished
    assert finished.rstrip().endswith("The task is completed: the build succeeded.")


async def _shown(scene: Scene, task: str) -> bool:
    async with scene.stack.http.get(_address(scene, task, LOG), allow_redirects=False) as answer:
        return answer.status == 303


async def test_a_run_that_was_retried_keeps_the_log_of_its_own_build(showing: Scene) -> None:
    task = await showing.task("single")
    await showing.run(task, "running")
    await showing.let(task, 5)
    await showing.run(task, "running", 1)
    await showing.let(task, 0, build=2)
    await showing.run(task, "completed", 1)
    first, second = await showing.log(task), await showing.log(task, 1)
    assert "let go with 5" in first
    assert "let go with 0" in second
    assert "let go with 0" not in first
    assert "let go with 5" not in second


@pytest.mark.timeout(1800)
async def test_a_large_log_and_a_large_file_never_are_in_memory(showing: Scene) -> None:
    """The services' memory grows by less than either has."""
    script = f"head -c {LARGE} /dev/urandom > out/large; head -c {LARGE * 3 // 4} /dev/urandom | base64"
    before = _memory(showing)
    task = await showing.task("giving", properties={"script": script})
    await showing.run(task, "completed", within=240 + LARGE / 2e6)
    peaks = _memory(showing)
    assert {name: peak - before[name] for name, peak in peaks.items() if peak - before[name] > GROWTH} == {}
    async with showing.stack.http.get(_address(showing, task, BACKING)) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert sum([len(chunk) async for chunk in answer.content.iter_any()]) > LARGE


def _memory(scene: Scene) -> dict[str, int]:
    """The most bytes that each service had in memory so far."""
    statuses = {name: Path(f"/proc/{child.pid}/status").read_text() for name, child in scene.stack.services.items()}
    return {name: int(text.partition("VmHWM:")[2].split()[0]) << 10 for name, text in statuses.items()}


@pytest.mark.parametrize("dies", ["buildbot-listener", "master", "all services"])
async def test_whoever_dies_in_the_middle_of_an_upload_the_file_arrives_whole(showing: Scene, dies: str) -> None:
    stack = showing.stack
    await stack.control("POST", "store", bytesPerSecond=2 << 20)
    task = await showing.task("giving", properties={"script": "seq 1 2000000 > out/numbers; seq 5 > out/few"})
    await showing.phase(task, "reporting")
    await stack.eventually(lambda: _put(showing, task), "the upload has begun")
    if dies == "master":
        await stack.buildbot.kill()
        await stack.buildbot.start()
    else:
        names = list(stack.services) if dies == "all services" else [dies]
        await asyncio.gather(*(stack.kill_service(name) for name in names))
    await stack.control("POST", "store", bytesPerSecond=None)
    await stack.start_services()
    await showing.run(task, "completed", within=120)
    expected = "".join(f"{n}\n" for n in range(1, 2_000_001)).encode()
    async with stack.http.get(_address(showing, task, "public/build/numbers")) as answer:
        assert hashlib.sha256(await answer.read()).digest() == hashlib.sha256(expected).digest()
    assert await stack.artifact(task, 0, "public/build/few") == "1\n2\n3\n4\n5\n"


async def _put(scene: Scene, task: str) -> bool:
    return any(call["path"].endswith("numbers") for call in await scene.calls(task, "queue.createArtifact"))


async def test_two_thousand_small_files(showing: Scene) -> None:
    script = "mkdir out/d; i=0; while [ $i -lt 2000 ]; do echo $i > out/d/$i; i=$((i+1)); done"
    task = await showing.task("giving", properties={"script": script})
    await showing.run(task, "completed", within=240)
    listed = await showing.stack.queue.listArtifacts(task, "0", query={"limit": 1000})
    names = [each["name"] for each in listed["artifacts"]]
    while "continuationToken" in listed:
        more = {"limit": 1000, "continuationToken": listed["continuationToken"]}
        listed = await showing.stack.queue.listArtifacts(task, "0", query=more)
        names += [each["name"] for each in listed["artifacts"]]
    assert {name for name in names if "/d/" in name} == {f"public/build/d/{n}" for n in range(2000)}
    assert await showing.stack.artifact(task, 0, "public/build/d/1999") == "1999\n"


async def test_an_address_opens_one_log_only(showing: Scene) -> None:
    one, other = await showing.running("gate", "gate")
    where = []
    for task in (one, other):
        await showing.stack.eventually(partial(_shown, showing, task), "the live log is linked")
        async with showing.stack.http.get(_address(showing, task, LOG), allow_redirects=False) as answer:
            where.append(answer.headers["Location"])
    async with aiohttp.ClientSession() as session, session.get(where[0].replace(one, other)) as answer:
        assert answer.status == 403
        assert "belongs to another run" in await answer.text()
    for task in (one, other):
        await showing.let(task)
        await showing.run(task, "completed")
