"""A lease lasts as long as the work that it protects, and not longer."""

import asyncio
from datetime import UTC, datetime, timedelta

from bridge.engine.holding import Hold
from bridge.store import database
from bridge.store.clock import DatabaseClock
from bridge.store.runs import Runs
from tests.integration.store.rows import wanted


async def _lease_until(store: Runs) -> datetime | None:
    found: datetime | None = await store.database.value("SELECT lease_until FROM runs")
    return found


async def test_a_lease_is_renewed_while_it_is_held_and_given_back_after(store: Runs) -> None:
    await store.add(wanted(due=datetime.now(UTC)), "test")
    clock = DatabaseClock()
    await clock.ask(store.database)
    asked_at = clock.now()
    assert await store.lease(wanted().key, "me")
    first = await _lease_until(store)
    async with Hold(store, clock, "me", wanted().key, asked_at, every=0.05) as hold:
        async with asyncio.timeout(10):
            while hold.asked_at == asked_at:
                await asyncio.sleep(0.02)
        assert hold.trusted
        renewed = await _lease_until(store)
        assert first is not None
        assert renewed is not None
        assert renewed > first
    await store.release([wanted().key], "me")
    assert await store.lease(wanted().key, "another")


async def test_without_the_database_the_trust_runs_out(store: Runs) -> None:
    async with database.opened("postgresql://nobody@127.0.0.1:1/nowhere") as nowhere:
        away = Runs(nowhere, "me", ("linux",))
        clock = DatabaseClock()
        asked_at = clock.now() - timedelta(seconds=21)
        async with Hold(away, clock, "me", wanted().key, asked_at, every=0.01) as hold:
            await asyncio.sleep(0.1)
            assert (hold.asked_at, hold.trusted) == (asked_at, False)


class _Slow:
    """Rows whose lease is answered when the test says so."""

    def __init__(self) -> None:
        self.asked = 0
        self.answer = asyncio.Event()

    async def lease(self, _key: object, _me: str) -> None:
        self.asked += 1
        await self.answer.wait()


async def test_a_renewal_that_ends_after_the_work_is_the_last_one() -> None:
    rows = _Slow()
    hold = Hold(rows, DatabaseClock(), "me", wanted().key, datetime.now(UTC), every=0.01)
    async with asyncio.timeout(10), hold:
        while not rows.asked:
            await asyncio.sleep(0.01)
        asyncio.get_running_loop().call_later(0.05, rows.answer.set)
    await asyncio.sleep(0.1)  # ten times the period
    assert rows.asked == 1
