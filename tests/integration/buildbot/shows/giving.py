"""A build that gives files away, and what the bridge finds of them."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bridge.buildbot.builds import BuildbotBuilds
from bridge.core.record import Output, StepState
from bridge.core.request import BuildState
from tests.integration.buildbot.run import Task
from tests.sandbox.buildbot import BuildbotSandbox


async def gave(run: Task, builder: str = "gives", /, **properties: object) -> BuildState:
    """Have a build make files by the shell `script` and give away its `source`; returns it when it is over."""
    await run.submit(builder, **properties)
    build = (await run.completed()).newest
    assert build is not None
    return build


async def gave_all(task: Callable[[], Task], wishes: Sequence[Mapping[str, object]]) -> list[BuildState]:
    """As `gave`, for many builds at once."""
    return list(await asyncio.gather(*(gave(task(), **wish) for wish in wishes)))


async def step(builds: BuildbotBuilds, build: BuildState, name: str = "give") -> tuple[StepState, str]:
    """A step of a build, and what its log says."""
    record = await builds.record(build.build_id)
    (found,) = [each for each in record.steps if each.name == name]
    (log,) = [each for each in found.logs if each.name == "stdio"]
    return found, (await builds.log_piece(build.build_id, log.log_id, 0)).text


async def body(builds: BuildbotBuilds, build: BuildState, output: Output) -> bytes:
    async with builds.output(build.build_id, output.number) as chunks:
        content = b"".join([chunk async for chunk in chunks])
    assert (len(content), hashlib.sha256(content).hexdigest()) == (output.size, output.sha256)
    return content


async def contents(builds: BuildbotBuilds, build: BuildState) -> dict[str, bytes]:
    """The files of a build by their artifacts' names, each checked by length and hash."""
    return {each.name: await body(builds, build, each) for each in await builds.outputs(build.build_id)}


def spool(master: BuildbotSandbox) -> Path:
    return master.directory / "master" / "taskcluster-spool"


def spooled(master: BuildbotSandbox) -> int:
    """Bytes in the spool, listed or not."""
    return sum(each.stat().st_size for each in spool(master).glob("*/[0-9]*"))


def memory(master: BuildbotSandbox) -> int:
    """The most memory that the master's process ever had, in bytes."""
    assert master._master is not None
    lines = Path(f"/proc/{master._master.pid}/status").read_text().splitlines()
    (peak,) = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return int(peak) * 1024
