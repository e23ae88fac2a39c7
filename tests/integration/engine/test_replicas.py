"""Several processes on one database, each with its own name and its own memory of credentials."""

import asyncio
from datetime import timedelta

import pytest

from bridge.core.run import RunKey
from tests.integration.engine.house import House, Replica

GRACE = timedelta(seconds=1)


async def _three(house: House) -> list[Replica]:
    await house.restart("a", grace=GRACE)
    return [house.one, await house.replica("b", grace=GRACE), await house.replica("c", grace=GRACE)]


async def _together(house: House, replicas: list[Replica], tasks: list[str]) -> None:
    """All replicas do everything at the same time until all tasks are over."""

    async def over() -> bool:
        rows = await house.sql("SELECT count(*) AS n FROM runs WHERE phase <> 'settled'")
        return rows[0]["n"] == 0 and {(await house.status(task))["state"] for task in tasks} == {"completed"}

    async with asyncio.timeout(60):
        while not await over():
            await asyncio.gather(*(replica.turn() for replica in replicas))


async def test_three_replicas_make_one_request_one_claim_and_one_report_of_each_task(house: House) -> None:
    # M-01
    replicas = await _three(house)
    tasks = [await house.create("success") for _ in range(12)]
    hints = [RunKey(task, 0) for task in tasks]
    for replica in replicas:  # every message is delivered to all
        await replica.sweeps.wanted(hints, replica.pool)
        await replica.crew.wake(hints)
    await _together(house, replicas, tasks)
    for task in tasks:
        apis = [call["api"] for call in await house.calls(task)]
        assert await house.requests(task) == [f"{task}/0"]
        assert (apis.count("queue.claimTask"), apis.count("queue.reportCompleted")) == (1, 1)
        assert len(house.plugin_calls("submit", task)) == 1
    assert [replica.told.defects for replica in replicas] == [[], [], []]


async def test_a_retry_handled_by_all_replicas_at_once_is_adopted_once(house: House) -> None:
    # M-02
    replicas = await _three(house)
    tasks = [await house.create("retry-once") for _ in range(5)]
    await _together(house, replicas, tasks)
    for task in tasks:
        assert await house.requests(task) == [f"{task}/0"]


async def test_an_ending_run_and_its_successor_in_two_hands_share_one_request(house: House) -> None:
    # M-02: one replica reports run 0 while the others hear of run 1's message
    replicas = await _three(house)
    task = await house.create("sleep", properties={"seconds": 3})
    run = await house.until(task, "running")
    await house.at_work(task)
    await house.buildbot.kill_worker(run["workerId"])

    async def meddle() -> None:
        for _ in range(60):
            runs = len((await house.status(task))["runs"])
            for replica in replicas[1:]:
                await replica.crew.wake(await replica.sweeps.wanted([RunKey(task, n) for n in range(runs)], replica.pool))
            await asyncio.sleep(0.05)

    try:
        await asyncio.gather(house.until(task, "exception"), meddle())
    finally:
        await house.buildbot.start_worker(run["workerId"])
    await _together(house, replicas, [task])
    assert await house.requests(task) == [f"{task}/0"]


async def test_a_replica_leaves_runs_to_whoever_holds_their_credentials(house: House) -> None:
    # M-04: nobody renews twice
    await house.control("POST", "periods", {"claimSeconds": 3})
    replicas = await _three(house)
    tasks = [await house.create("sleep", properties={"seconds": 4}) for _ in range(4)]
    await _together(house, replicas, tasks)
    for task in tasks:
        apis = [call["api"] for call in await house.calls(task)]
        assert apis.count("queue.claimTask") == 1


@pytest.mark.parametrize("finished", [False, True])
async def test_when_a_holder_dies_another_takes_its_runs_over_before_the_claim_ends(house: House, finished: bool) -> None:
    # M-03
    await house.control("POST", "periods", {"claimSeconds": 6})
    first, second, _ = await _three(house)
    task = await house.create("sleep", properties={"seconds": 1 if finished else 9})
    house.replicas[:] = [first]
    await house.until(task, "running")
    (row,) = await house.sql("SELECT holder FROM runs WHERE task_id = $1", task)
    assert row["holder"] == "a"
    house.replicas[:] = [second]  # the first one is no more
    if finished:
        await house.wait_for_buildbot(task)
    await house.until(task, "completed")
    await house.settled(task)
    runs = (await house.status(task))["runs"]
    assert [run["state"] for run in runs] == ["completed"]
    claims = await house.calls(task, "queue.claimTask")
    assert len(claims) == 2
    assert len({(call["workerGroup"], call["workerId"]) for call in claims}) == 1


async def test_a_holder_that_keeps_up_is_not_interfered_with(house: House) -> None:
    # M-01: the grace has not passed, so the other leaves the row alone although it was told of it
    replicas = await _three(house)
    task = await house.create("sleep", properties={"seconds": 2})
    house.replicas[:] = replicas[:1]
    await house.until(task, "running")
    before = len(await house.calls(task))
    for _ in range(5):
        await replicas[1].crew.wake([RunKey(task, 0)])
        await replicas[1].crew.take(await replicas[1].runs.due("b", limit=10, foreign=True))
        await replicas[1].crew.idle()
    assert len(await house.calls(task)) == before
    await house.until(task, "completed")
    await house.settled(task)


async def test_a_process_that_ends_in_good_order_leaves_its_runs_at_once(house: House) -> None:
    # F-19, M-03: no grace has to pass
    first = await house.restart("a", grace=timedelta(minutes=5))
    second = await house.replica("b", grace=timedelta(minutes=5))
    task = await house.create("sleep", properties={"seconds": 2})
    house.replicas[:] = [first]
    await house.until(task, "running")
    await first.runs.abandon("a")
    house.replicas[:] = [second]
    await house.until(task, "completed")
    await house.settled(task)


async def test_a_paused_process_that_wakes_late_changes_nothing(house: House) -> None:
    # F-20: the first replica is held up in the middle of its submit while the other does everything
    first, second, _ = await _three(house)
    task = await house.create("success")
    await house.fault("queue.statuses", "delay", seconds=5, count=1)
    house.replicas[:] = [first]
    await first.sweeps.wanted([RunKey(task, 0)], first.pool)
    await first.crew.wake([RunKey(task, 0)])
    async with asyncio.timeout(10):
        while not await house.calls(api="queue.statuses") and not (
            await house.sql("SELECT 1 FROM runs WHERE lease_owner = 'a'")
        ):
            await asyncio.sleep(0.02)
    await house.sql("UPDATE runs SET lease_until = now() - interval '1 second'")
    house.replicas[:] = [second]
    await house.until(task, "completed")
    await house.settled(task)
    house.replicas[:] = [first, second]
    await first.crew.idle()
    assert await house.requests(task) == [f"{task}/0"]
    assert len(await house.calls(task, "queue.reportCompleted")) == 1
