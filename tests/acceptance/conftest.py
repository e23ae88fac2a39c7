"""The stacks. They are started one after the other, when their first test comes."""

from collections.abc import AsyncIterator, Generator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio

from tests.acceptance import graphs
from tests.acceptance.scene import Scene, builders, cancel_all
from tests.sandbox.process import scratch
from tests.sandbox.stack import Plan, Stack
from tests.taskgraph.project import Graph, Project

PERIODS = {"pollSeconds": 0.3, "deadlineDelaySeconds": 1, "claimSeconds": 1200}
SWEEPS = {"interval": 2, "states_interval": 2, "strangers_interval": 5}


@asynccontextmanager
async def opened(
    purpose: str, settings: Mapping[str, Any], *, durable: bool = False, more: str = ""
) -> AsyncIterator[Stack]:
    """A stack with the builders of these tests, and `more`, and short periods; its services are not started yet."""
    with scratch(purpose) as directory:
        gates = directory / "gates"
        gates.mkdir()
        plan = Plan(builders(gates) + more, workers=1, durable=durable, proxied=True, periods=PERIODS, settings=settings)
        async with Stack(directory, plan) as stack:
            yield stack


@pytest.fixture(scope="session")
async def calm() -> AsyncIterator[Stack]:
    """The stack whose servers nobody harms."""
    async with opened("calm", {"reflector": SWEEPS}) as stack:
        yield stack


@pytest.fixture(scope="session")
async def rough() -> AsyncIterator[Stack]:
    """The stack whose servers and services are killed."""
    async with opened("rough", {"reflector": SWEEPS}, durable=True) as stack:
        yield stack


@pytest.fixture(scope="session")
async def demo() -> AsyncIterator[Project]:
    """The sample project on a stack of its own, with services that run."""
    async with opened("graphs", {"reflector": SWEEPS}, more=graphs.config()) as stack, graphs.project_on(stack) as project:
        yield project


@pytest.fixture(scope="session")
async def pushed(demo: Project) -> Graph:
    """A push whose build for Windows failed, and all else ran to its end."""
    play = graphs.Play(demo, Scene(demo.stack))
    play.order("demo build win64", "fail")
    _, graph = await demo.push()
    await play.resolved(graph.labels.values())
    play.recall("demo build win64", "fail")
    return graph


@pytest.fixture(scope="session")
def cancelled() -> set[str]:
    """What tests cancelled in Buildbot: the tasks of a group are judged by others too that come after."""
    return set()


@pytest.fixture
async def play(demo: Project, cancelled: set[str]) -> AsyncIterator[graphs.Play]:
    play = graphs.Play(demo, Scene(demo.stack))
    play.scene.cancelled_by_people = cancelled
    yield play
    play.recall_all()
    await cancel_all(demo.stack)  # what a test that failed has left must not stand in the way of the next


@pytest.fixture
def scene(calm: Stack) -> Scene:
    return Scene(calm)


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


@pytest_asyncio.fixture(autouse=True)
async def _witness(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """Have a failed test show what everybody noted."""
    yield
    if request.node.stash.get(FAILED, False):
        given = request.node.funcargs.values()
        for scene in (each.scene if isinstance(each, graphs.Play) else each for each in given):
            if isinstance(scene, Scene):
                print(*await scene.witness(), sep="\n")
