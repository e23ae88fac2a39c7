"""The master dies, stops, loses builders, loses answers; each run ends right all the same."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from bridge.core.run import RunId, RunKey
from tests.integration.engine.house import House
from tests.integration.engine.proxy import Proxy
from tests.sandbox.buildbot import BUILDERS

WAYS = ["drop", "html", "empty", "truncated"]


async def _back(house: House) -> None:
    await house.buildbot.start()
    for name in house.buildbot.worker_names:
        await house.buildbot.await_worker(name)


@contextlib.asynccontextmanager
async def _proxied(house: House) -> AsyncIterator[Proxy]:
    async with Proxy(house.buildbot.url, house.http) as proxy:
        await house.restart("proxied", plugin_url=proxy.url)
        yield proxy


async def test_a_submit_whose_answer_is_lost_makes_one_request(house: House) -> None:
    # F-14, T-06
    async with _proxied(house) as proxy:
        tasks = [await house.create("echo") for _ in range(8)]
        ways = [(way, effect) for way in WAYS for effect in (False, True)]
        for task, (way, effect) in zip(tasks, ways, strict=True):
            proxy.spoil("PUT", way, effect=effect, count=3, path=f"{task}/0")
        for task in tasks:
            await house.until(task, "completed")
            await house.settled(task)
            assert await house.requests(task) == [f"{task}/0"]
        assert [each.count for each in proxy.spoilings] == [0] * 8


async def test_twenty_submits_at_once_by_three_replicas_are_one_request(house: House) -> None:
    # F-14
    task = await house.create("parked")
    replicas = [house.one, await house.replica("b"), await house.replica("c")]
    body = {"builder": "parked", "properties": {}, "reason": "r", "not_before": 0}
    others = [house.buildbot.plugin("PUT", f"runs/{task}/0", body) for _ in range(20)]
    _, *answers = await asyncio.gather(asyncio.gather(*(replica.turn() for replica in replicas)), *others)
    assert {answer["buildrequestid"] for _, answer in answers} == {await house.request_id(task)}
    await house.until_phase(task, "Queued")
    assert await house.requests(task) == [f"{task}/0"]


async def test_reads_of_buildbot_that_go_wrong_decide_nothing(house: House) -> None:
    # F-18: empty or truncated answers count as no answer
    async with _proxied(house) as proxy:
        waiting, running = await house.create("parked"), await house.create("sleep", properties={"seconds": 2})
        await house.until_phase(waiting, "Queued")
        await house.until(running, "running")
        for way in WAYS:
            proxy.spoil("*", way, effect=True, count=100_000)
            for _ in range(3):
                await house.turn()
            assert await house.phase(waiting) == "Queued"
            assert (await house.status(running))["state"] == "running"
            proxy.heal()
        await house.until(running, "completed")
        await house.settled(running)
        assert await house.phase(waiting) == "Queued"


async def test_an_address_that_leads_elsewhere_in_the_master_decides_nothing(house: House) -> None:
    """The plugin answers there as well: 404, and in its own words."""
    running = await house.create("sleep", properties={"seconds": 12})
    await house.until(running, "running")
    waiting = await house.create("echo")
    await house.restart("astray", plugin_url=f"{house.buildbot.url}plugins/taskcluster/")
    for _ in range(40):
        await house.sweeps.hinted([RunKey(running, RunId(0)), RunKey(waiting, RunId(0))])
        await house.turn()
        await asyncio.sleep(0.2)
    assert (await house.phase(running), await house.phase(waiting)) == ("Building", "Wanted")
    await house.restart("back")
    await house.until(running, "completed")
    await house.until(waiting, "completed")


async def test_a_lost_cancel_of_a_request_is_asked_again(house: House) -> None:
    # T-10
    async with _proxied(house) as proxy:
        task = await house.create("parked")
        await house.until_phase(task, "Queued")
        proxy.spoil("POST", "drop", effect=False, count=3, path="/cancel")
        await house.admin.cancelTask(task)
        await house.settled(task)
        assert (await house.request(task))["results"] == 6


async def test_a_master_killed_and_started_again_loses_no_run_and_no_request(house: House) -> None:
    # F-15
    running = await house.create("sleep", properties={"seconds": 5})
    waiting = await house.create("parked")
    await house.until(running, "running")
    await house.until_phase(waiting, "Queued")
    await house.at_work(running)
    await house.buildbot.kill()
    await house.turn()
    await _back(house)
    run = await house.until(running, "exception", within=60)
    assert run["reasonResolved"] == "intermittent-task"
    await house.until(running, "completed", run=1, within=60)
    await house.settled(running)
    assert await house.requests(running) == [f"{running}/0"]
    assert len(await house.builds(running)) == 2
    assert await house.phase(waiting) == "Queued"
    assert not (await house.request(waiting))["complete"]


async def test_a_master_restarted_gracefully_makes_a_new_request_for_the_next_run(house: House) -> None:
    # F-16
    running = await house.create("sleep", properties={"seconds": 4})
    waiting = await house.create("parked")
    await house.until(running, "running")
    await house.until_phase(waiting, "Queued")
    await house.at_work(running)
    await house.buildbot.stop()
    await _back(house)
    run = await house.until(running, "exception", within=60)
    assert run["reasonResolved"] == "worker-shutdown"
    await house.until(running, "completed", run=1, within=60)
    await house.settled(running)
    assert await house.requests(running) == [f"{running}/0", f"{running}/1"]
    assert await house.calls(api="queue.cancelTask") == []
    assert await house.phase(waiting) == "Queued"


async def test_claims_are_kept_while_the_master_is_away(house: House) -> None:
    # F-18: twice as long as a claim; nothing is refused or resolved meanwhile
    await house.control("POST", "periods", {"claimSeconds": 4})
    task = await house.create("sleep", properties={"seconds": 60})
    await house.until(task, "running")
    await house.at_work(task)
    await house.buildbot.kill()
    late = await house.create("echo")
    end = asyncio.get_running_loop().time() + 8
    while asyncio.get_running_loop().time() < end:
        await house.turn()
    assert [run["state"] for run in (await house.status(task))["runs"]] == ["running"]
    assert (await house.status(late))["state"] == "pending"
    await _back(house)
    await house.until(late, "completed", within=60)
    await house.until(task, "exception", within=60)  # the killed master's build was a RETRY
    await house.admin.cancelTask(task)
    await house.settled(task)
    await house.settled(late)


async def test_a_removed_builders_runs_end_when_they_are_cancelled(house: House) -> None:
    # F-17
    waiting = await house.create("parked")
    await house.until_phase(waiting, "Queued")
    text = Path(BUILDERS).read_text()
    try:
        assert await house.buildbot.reconfig(text.replace('local("parked"', 'local("parked-no-more"')) == "complete"
        late = await house.create("parked")
        run = await house.until(late, "exception")
        assert run["reasonResolved"] == "malformed-payload"
        assert "unknown builder" in await house.text(late, 0, "public/logs/live.log")
        await house.settled(late)
        assert await house.phase(waiting) == "Queued"
        await house.admin.cancelTask(waiting)
        await house.settled(waiting)
        assert (await house.request(waiting))["complete"]
    finally:
        await house.buildbot.reconfig(text)


async def test_a_refused_token_stops_nothing_and_rings(house: House) -> None:
    # F-13, on Buildbot's side
    running = await house.create("sleep", properties={"seconds": 2})
    await house.until(running, "running")
    right = house.buildbot.token
    try:
        house.buildbot.token = "not the token of this master"
        late = await house.create("echo")
        await house.wait_for_buildbot(running)

        async def rang() -> bool:
            return house.told.rang("not_allowed")

        await house.wait(rang)
        assert (await house.status(late))["state"] == "pending"
        assert (await house.status(running))["state"] == "running"
    finally:
        house.buildbot.token = right
    for task in (running, late):
        await house.until(task, "completed")
        await house.settled(task)
