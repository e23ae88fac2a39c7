"""Regions, each with all three services, on one database; three of the four are lost in one moment (M-03, L7, 17.4).

One is killed, one stands still for longer than its leases last and then goes on, and one is cut off from the database alone
and then is not. At that moment runs are in every phase and calls of each region are under way, before and after their effect.
What is lost to the one region that is left: at most the time of a lease and the grace of a holder.
"""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

import pytest

from tests.acceptance.conftest import PERIODS
from tests.acceptance.scene import Scene, cancel_all
from tests.acceptance.test_kills import ENDS, Held
from tests.sandbox.stack import SERVICES, Stack
from tests.sandbox.wire import Wire, wired

LEFT, KILLED, FROZEN, CUT = REGIONS = ("north", "east", "south", "west")
LEASE, GRACE, AS_ALWAYS = 30, 15, 20
"""Seconds: of a row's lease, of a holder that is overdue, and for what takes two on a quiet machine (the sweeps' period)."""
CLAIM = 120
"""Seconds. A claim is renewed when a third of it is over: from then on the time above fits well before its end."""
MORE = 40
"""Builds; whoever is first takes each."""


def services(region: str) -> tuple[str, ...]:
    return tuple(f"{service}.{region}" for service in SERVICES)


@dataclass
class Lost:
    """The moment of the loss, and what was in whose hands."""

    scene: Scene
    wire: Wire
    held: list[Held]
    at: float = 0.0
    hands: Counter[str] = field(default_factory=Counter)
    """Rows that a region's processes had leased, or whose credentials they held."""

    def tasks(self, *kinds: str) -> list[str]:
        return list(chain.from_iterable(held.tasks[kind] for held in self.held for kind in kinds))

    @property
    def left(self) -> float:
        """Seconds until everything must be as if nothing had been lost."""
        return self.at + LEASE + GRACE + AS_ALWAYS - time.monotonic()


@pytest.fixture(scope="module")
async def lost(rough: Stack) -> AsyncIterator[Lost]:
    """Three regions are lost; the fourth goes on."""
    await rough.stop_services()  # those of the tests before belong to no region
    await rough.control("POST", "periods", **{**PERIODS, "claimSeconds": CLAIM})
    async with AsyncExitStack() as stack:
        wire, cut_dsn = await stack.enter_async_context(wired(rough.dsn))
        for region in REGIONS:
            _settle_in(rough, region, {"BBB_DATABASE__DSN": cut_dsn} if region == CUT else {})
        lost = Lost(Scene(rough), wire, [Held(Scene(rough), tuple(ENDS)) for _ in range(2)])
        # The region behind the wire is the slowest to take anything: the first half comes while it is alone.
        for regions, held in zip(((CUT,), (LEFT, KILLED, FROZEN)), lost.held, strict=True):
            await rough.start_services(*chain.from_iterable(map(services, regions)))
            await held.make()
        lost.hands = await _busy(lost)
        await _lose(rough, lost)
        yield lost
        wire.mend()
        _thaw(rough)
        await cancel_all(rough)
        await rough.stop_services()


def _settle_in(stack: Stack, region: str, more: dict[str, str]) -> None:
    """Each region hears of everything, and gives up calls soon that are never answered."""
    for service in services(region):
        stack.environment[service] = {"BBB_PULSE__QUEUE_NAME": region, "BBB_TASKCLUSTER__TIMEOUT": "8", **more}


async def _busy(lost: Lost) -> Counter[str]:
    """Who has what in hand, with as many more builds as it takes until every region has something."""
    for _ in range(MORE):
        if set(hands := await _hands(lost.scene.stack)) == set(REGIONS):
            break
        await lost.held[-1].one_more()
    return hands


async def _hands(stack: Stack) -> Counter[str]:
    rows = await stack.rows("SELECT coalesce(lease_owner, holder) AS who FROM runs WHERE phase <> 'settled'")
    regions = {str(child.pid): name.partition(".")[2] for name, child in stack.services.items()}
    return Counter(regions[row["who"].split("-")[-2]] for row in rows if row["who"])


async def _lose(stack: Stack, lost: Lost) -> None:
    lost.wire.cut()
    for service in services(FROZEN):
        stack.services[service].tell(signal.SIGSTOP)
    await asyncio.gather(*(stack.kill_service(service) for service in services(KILLED)))
    lost.at = time.monotonic()
    for held in lost.held:
        await held.release()


def _thaw(stack: Stack) -> None:
    for service in services(FROZEN):
        stack.services[service].tell(signal.SIGCONT)


async def test_every_region_had_runs_in_hand(lost: Lost) -> None:
    assert set(lost.hands) == set(REGIONS), lost.hands


async def test_the_region_that_is_left_does_everything_in_time(lost: Lost) -> None:
    """Whatever waits for nobody is done, by the lost ones' leases and the grace later than always."""
    scene = lost.scene
    for task in lost.tasks("submit"):
        await scene.stack.eventually(partial(scene.requests, task), f"a request of {task}", lost.left)
        await scene.run(task, "running", within=lost.left)
    for task in lost.tasks("claim"):
        await scene.run(task, "running", within=lost.left)
    for task in lost.tasks("upload"):
        await scene.run(task, "completed", within=lost.left)
    for task in lost.tasks("report"):
        await scene.run(task, "failed", within=lost.left)
    for task in lost.tasks("refused"):
        await scene.run(task, "exception", within=lost.left)
    for task in lost.tasks("stopping"):
        await scene.stack.eventually(partial(_stopped, scene, task), f"{task} is stopped", lost.left)


async def _stopped(scene: Scene, task: str) -> bool:
    return all(request["complete"] for request in await scene.requests(task))


async def test_no_claim_expires(lost: Lost) -> None:
    """Those of builds that run on are renewed by whoever is there; each run is still its task's first."""
    scene = lost.scene
    for task in lost.tasks("building"):
        await scene.stack.eventually(partial(_renewed, scene, task, lost.at), f"{task} is renewed", CLAIM)
    ends = [(await scene.stack.status(task))["runs"] for task in lost.tasks(*ENDS)]
    assert [runs for runs in ends if len(runs) != 1 or runs[0].get("reasonResolved") == "claim-expired"] == []


async def _renewed(scene: Scene, task: str, at: float) -> bool:
    """By the region that is left, or, while the database is out of its reach, by the one that has the credentials."""
    since = time.time() - (time.monotonic() - at)
    return any(call["unix"] > since for call in await scene.calls(task, "queue.reclaimTask", "queue.claimTask"))


async def test_the_lost_come_back_and_everything_ends_as_if_nothing_had_been(lost: Lost) -> None:
    """Late answers, late saves and late words of the two that were away change nothing."""
    lost.wire.mend()
    _thaw(lost.scene.stack)
    await asyncio.gather(*(held.finish() for held in lost.held))
    for held in lost.held:
        for kind in ENDS:
            await held.ended(kind)


async def test_those_that_came_back_work_again(lost: Lost) -> None:
    """Alone, since the region that was left goes away in good order."""
    stack, scene = lost.scene.stack, Scene(lost.scene.stack)
    await asyncio.gather(*(stack.stop_service(service) for service in services(LEFT)))
    tasks = [await scene.task("success") for _ in range(6)]
    for task in tasks:
        await scene.run(task, "completed")
    await scene.over()
    assert {name: child.status for name, child in stack.services.items() if not child.alive} == {}
    assert scene.logged('"defect"') == []
