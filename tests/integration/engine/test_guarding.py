"""The database is away for longer than a claim: whoever has a run's credentials keeps its claim alive from memory."""

import asyncio
from dataclasses import replace
from datetime import datetime

from bridge.engine.guarding import Guardian
from bridge.store import database
from bridge.store.runs import Runs
from tests.integration.engine.house import House


async def test_claims_are_renewed_from_memory_while_no_row_can_be_read(house: House) -> None:
    async with house.http.post(f"{house.double.root_url}/control/periods", json={"claimSeconds": 6}) as answer:
        assert answer.status < 300
    task = await house.create("sleep", properties={"seconds": 60})
    run = await house.until(task, "running")
    async with database.opened("postgresql://nobody@127.0.0.1:1/nowhere") as nowhere:
        away = replace(house.engine, runs=Runs(nowhere, "me", ("test",)))
        async with asyncio.timeout(20):
            while not await Guardian(away).guard():
                await asyncio.sleep(0.1)
    renewed = (await house.status(task))["runs"][0]
    assert datetime.fromisoformat(renewed["takenUntil"]) > datetime.fromisoformat(run["takenUntil"])
    await house.admin.cancelTask(task)
    await house.settled(task)


async def test_a_claim_is_renewed_from_memory_while_its_row_is_lost(house: House) -> None:
    # A failover can lose a row; until a sweep has made it anew nothing else would renew the claim.
    async with house.http.post(f"{house.double.root_url}/control/periods", json={"claimSeconds": 6}) as answer:
        assert answer.status < 300
    task = await house.create("sleep", properties={"seconds": 60})
    run = await house.until(task, "running")
    await house.sql("DELETE FROM runs")
    async with asyncio.timeout(20):
        while not await Guardian(house.engine).guard():
            await asyncio.sleep(0.1)
    renewed = (await house.status(task))["runs"][0]
    assert datetime.fromisoformat(renewed["takenUntil"]) > datetime.fromisoformat(run["takenUntil"])
    await house.admin.cancelTask(task)


async def test_nothing_is_renewed_from_memory_while_rows_can_be_read(house: House) -> None:
    async with house.http.post(f"{house.double.root_url}/control/periods", json={"claimSeconds": 2}) as answer:
        assert answer.status < 300
    task = await house.create("sleep", properties={"seconds": 60})
    await house.until(task, "running")
    async with asyncio.timeout(10):
        while not house.engine.queue.half_over():
            await asyncio.sleep(0.05)
    assert await Guardian(house.engine).guard() == 0
    await house.admin.cancelTask(task)
    await house.settled(task)


async def test_what_is_remembered_of_a_run_goes_when_its_claim_is_over(house: House) -> None:
    # another process ended it, and tells nobody
    task = await house.create("sleep", properties={"seconds": 60})
    await house.until(task, "running")
    (run,) = (await house.rows(task)).values()
    house.engine.memory.shown.add(run.key)
    await Guardian(house.engine).guard()
    assert run.key in house.engine.memory.shown
    house.engine.queue.forget(run.key)
    await Guardian(house.engine).guard()
    assert run.key not in house.engine.memory.shown
    await house.admin.cancelTask(task)
    await house.settled(task)
