"""Two replicas of each service (M-01, M-03)."""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial
from typing import Any

import pytest

from tests.acceptance.conftest import PERIODS
from tests.acceptance.scene import Scene, cancel_all
from tests.sandbox.stack import SERVICES, Stack

SECOND = tuple(f"{service}.2" for service in SERVICES)
CLAIM = 60
ENDS = {"success": "completed", "failure": "failed", "warnings": "completed", "no-such-builder": "malformed-payload"}


@pytest.fixture
async def doubled(rough: Stack) -> AsyncIterator[Scene]:
    """Two of each; the second listener has a queue of its own, so that both hear of everything."""
    await rough.control("POST", "periods", **PERIODS)
    rough.environment["taskcluster-listener.2"] = {"BBB_PULSE__QUEUE_NAME": "second"}
    await rough.start_services(*SERVICES, *SECOND)
    yield Scene(rough)
    await cancel_all(rough)
    await rough.stop_services()


async def test_m_01_every_replica_hears_of_everything(doubled: Scene) -> None:
    """Forty tasks, every message delivered to all: one request, one claim and one verdict each."""
    builders = [builder for builder, _ in zip(itertools.cycle(ENDS), range(36), strict=False)]
    tasks = await asyncio.gather(*(doubled.task(builder) for builder in builders))
    gone = await asyncio.gather(*(doubled.task("parked") for _ in range(4)))
    for task in gone:
        await doubled.stack.queue.cancelTask(task)
    await doubled.over(*tasks, *gone, within=120)
    for task, builder in zip(tasks, builders, strict=True):
        (run,) = (await doubled.stack.status(task))["runs"]
        assert run["reasonResolved"] == ENDS[builder]
        made = Counter(call["api"] for call in await doubled.calls(task) if call["done"] == 200)
        assert made["queue.claimTask"] == 1, made
        assert made["queue.reportCompleted"] + made["queue.reportFailed"] + made["queue.reportException"] == 1, made
        assert len(await doubled.stack.requests(task)) == (0 if builder == "no-such-builder" else 1)
    served = {row["who"].rpartition("-")[0] for row in await doubled.stack.rows(WHO, tasks)}
    assert len(served) > 2, "both replicas took part"


WHO = "SELECT DISTINCT who FROM transitions WHERE task_id = ANY ($1::text[])"


async def test_m_03_one_of_two_is_killed(doubled: Scene) -> None:
    """The others act for its rows: claims are renewed before they expire, new work flows, no run is used up."""
    await doubled.stack.control("POST", "periods", claimSeconds=CLAIM)
    running = await doubled.running("gate", "gate", "gate", "gate")
    until = {task: _taken_until(await doubled.stack.status(task)) for task in running}
    claimed_by = Counter(row["holder"] for row in await doubled.stack.rows(HOLDERS, running))
    await doubled.stack.kill_service(_service(doubled.stack, claimed_by.most_common(1)[0][0]))
    for service in SERVICES:
        if {service, f"{service}.2"} <= doubled.stack.services.keys():
            await doubled.stack.kill_service(service)
    for task in [await doubled.task("success") for _ in range(8)]:
        await doubled.run(task, "completed")
    for task in running:
        await doubled.stack.eventually(partial(_renewed, doubled, task, until[task]), "the claim is renewed", CLAIM)
    for task in running:
        await doubled.let(task)
        await doubled.run(task, "completed")
    await doubled.over()
    assert {len((await doubled.stack.status(task))["runs"]) for task in running} == {1}
    assert await doubled.metric("lost_claims_total") == 0


HOLDERS = "SELECT holder FROM runs WHERE task_id = ANY ($1::text[])"


def _service(stack: Stack, holder: str) -> str:
    """The service whose process has this name; names of replicas end in process id and a random word."""
    return next(name for name, child in stack.services.items() if holder.split("-")[-2] == str(child.pid))


def _taken_until(status: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(status["runs"][0]["takenUntil"])


async def _renewed(scene: Scene, task: str, before: datetime) -> bool:
    status = await scene.stack.status(task)
    assert len(status["runs"]) == 1, "the claim expired"
    return _taken_until(status) > before
