"""What a task costs in calls, exactly, where nothing goes wrong."""

import re
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime

import pytest

from tests.acceptance.conftest import PERIODS
from tests.acceptance.scene import Scene, all_settled, cancel_all
from tests.sandbox.stack import Stack

TASKS = 50
CLAIM = 6.0


@pytest.fixture
async def thrifty(calm: Stack) -> AsyncIterator[Scene]:
    """All services with the periods that they have by default."""
    await calm.start_services()
    await all_settled(calm)
    await calm.stop_services()
    calm.configure({"reflector": {"interval": 60, "states_interval": 30, "strangers_interval": 300}})
    await calm.control("POST", "periods", **PERIODS)
    await calm.start_services()
    yield Scene(calm)
    await cancel_all(calm)


async def test_calls_of_fifty_tasks(thrifty: Scene) -> None:
    """Each: one submit, one claim, one report, and what its artifacts need; no reclaim; reads are shared."""
    stack = thrifty.stack
    await stack.control("POST", "counters/reset")
    began = len(stack.proxy.calls)
    tasks = [await thrifty.task("success") for _ in range(TASKS)]
    await stack.settled(*tasks, within=120)
    calls = (await stack.control("GET", "counters"))["calls"]
    each = [Counter(call["api"] for call in await thrifty.calls(task)) for task in tasks]
    alone = Counter({"queue.claimTask": 1, "queue.createArtifact": 5, "s3.put": 3, "queue.reportCompleted": 1})
    assert [counts for counts in each if _without_reads(counts) != alone] == []
    assert "queue.reclaimTask" not in calls
    # A read by hint is one call at the most for each of: the definition, the status before the submit.
    assert calls.get("queue.task", 0) + calls.get("queue.tasks", 0) <= TASKS
    assert calls.get("queue.status", 0) + calls.get("queue.statuses", 0) <= TASKS + 5
    plugin = Counter(_kind(call.method, call.path) for call in stack.proxy.calls[began:])
    assert plugin["PUT run"] == TASKS
    assert plugin["POST cancel"] == 0
    # A request changes five times: made, claimed, build started, build ended, complete. Each may be an answer of its own to the
    # long-poll; two of them are worth a read of the state, and the log is written after one more.
    assert plugin["GET changes"] <= 5 * TASKS + 20, plugin
    assert plugin["POST states"] <= 3 * TASKS + 20, plugin
    assert [plugin[f"GET {word}"] for word in ("properties", "steps", "outputs")] == [TASKS] * 3
    assert plugin["DELETE outputs"] == 0
    await thrifty.over()


def _without_reads(counts: Counter[str]) -> Counter[str]:
    reads = {"queue.task", "queue.tasks", "queue.status", "queue.statuses"}
    return Counter({api: count for api, count in counts.items() if api not in reads})


def _kind(method: str, path: str) -> str:
    word = path.rstrip("/").rpartition("/")[2]
    return f"{method} {'run' if re.fullmatch(r'.*/runs/[^/]+/[0-9]+', path) else word}"


async def test_calls_of_a_long_build(thrifty: Scene) -> None:
    """A reclaim for each period of its duration, by the process that claimed it, with no second claim."""
    await thrifty.stack.control("POST", "periods", claimSeconds=CLAIM)
    (task,) = await thrifty.running("gate")

    async def renewed() -> bool:
        return len(await thrifty.calls(task, "queue.reclaimTask")) >= 4

    await thrifty.stack.eventually(renewed, "four reclaims")
    await thrifty.let(task)
    run = await thrifty.run(task, "completed")
    await thrifty.over()
    duration = (datetime.fromisoformat(run["resolved"]) - datetime.fromisoformat(run["started"])).total_seconds()
    reclaims = len(await thrifty.calls(task, "queue.reclaimTask"))
    # The period is a third of the claim, up to a tenth longer for spread, and looked at once a second.
    assert duration // (CLAIM / 3 * 1.1 + 1.5) <= reclaims <= duration // (CLAIM / 3)
    assert len(await thrifty.calls(task, "queue.claimTask")) == 1
