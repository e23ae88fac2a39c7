"""All replicas go by the database's time."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from bridge.core import faults
from bridge.store import database
from bridge.store.clock import DatabaseClock
from bridge.store.database import Database

# A database whose clock is elsewhere: its search path finds another `clock_timestamp` before the built-in one.
ELSEWHERE = """
CREATE SCHEMA elsewhere;
CREATE TABLE elsewhere.clock (ahead interval);
INSERT INTO elsewhere.clock VALUES ('1 hour');
CREATE FUNCTION elsewhere.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS
    $$ SELECT pg_catalog.clock_timestamp() + (SELECT ahead FROM elsewhere.clock) $$;
"""


async def is_ahead(opened: Database, by: timedelta) -> None:
    await opened.fetch("UPDATE elsewhere.clock SET ahead = $1", by)


@pytest.fixture
async def elsewhere(opened: Database, postgres_dsn: str):
    async with opened.connection() as connection:
        await connection.execute(ELSEWHERE)
        name = await connection.fetchval("SELECT current_database()")
        await connection.execute(f"ALTER DATABASE {name} SET search_path = elsewhere, pg_catalog, public")
    async with database.opened(postgres_dsn) as there:
        yield there


def here() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


def near(one: datetime, other: datetime) -> bool:
    return abs(one - other) < timedelta(seconds=5)


async def test_the_time_is_the_databases(elsewhere: Database) -> None:
    clock = DatabaseClock()
    assert near(clock.now(), here())
    await clock.ask(elsewhere)
    assert near(clock.now(), here() + timedelta(hours=1))
    assert clock.now().tzinfo is UTC
    assert abs(clock.skew() + timedelta(hours=1)) < timedelta(seconds=5)


async def test_the_first_answer_is_taken_even_if_it_turns_the_time_back(elsewhere: Database) -> None:
    await is_ahead(elsewhere, timedelta(seconds=-40))
    clock = DatabaseClock()
    clock.now()
    await clock.ask(elsewhere)
    assert near(clock.now(), here() - timedelta(seconds=40))


async def test_a_correction_never_turns_the_time_back(elsewhere: Database) -> None:
    clock = DatabaseClock()
    await clock.ask(elsewhere)
    before = clock.now()
    await is_ahead(elsewhere, timedelta(minutes=59, seconds=30))
    await clock.ask(elsewhere)
    assert before <= clock.now() < before + timedelta(seconds=5)
    assert abs(clock.skew() + timedelta(minutes=59, seconds=30)) < timedelta(seconds=5)


async def test_a_correction_forward_is_taken_at_once(elsewhere: Database) -> None:
    clock = DatabaseClock()
    await clock.ask(elsewhere)
    await is_ahead(elsewhere, timedelta(hours=2))
    await clock.ask(elsewhere)
    assert near(clock.now(), here() + timedelta(hours=2))


async def test_a_database_whose_own_clock_jumped_is_followed(elsewhere: Database) -> None:
    clock = DatabaseClock()
    await clock.ask(elsewhere)
    clock.now()
    await is_ahead(elsewhere, timedelta(0))
    await clock.ask(elsewhere)
    assert near(clock.now(), here())


async def test_an_answer_that_was_long_under_way_is_not_taken(elsewhere: Database) -> None:
    clock = DatabaseClock()
    await clock.ask(elsewhere)
    async with elsewhere.transaction() as slow:
        await slow.execute("LOCK TABLE elsewhere.clock")
        asked = asyncio.create_task(clock.ask(elsewhere))
        end = time.monotonic() + 1.2
        while time.monotonic() < end:
            await asyncio.sleep(0.05)
        await slow.execute("UPDATE elsewhere.clock SET ahead = '3 hours'")
    await asked
    assert near(clock.now(), here() + timedelta(hours=1))


async def test_the_time_goes_on_while_the_database_is_away(opened: Database) -> None:
    clock = DatabaseClock()
    assert await clock.try_asking(opened)
    before = clock.now()
    async with database.opened("postgresql://bridge@127.0.0.1:1/x") as away:
        assert not await clock.try_asking(away)
        with pytest.raises(faults.Unavailable):
            await clock.ask(away)
    assert before < clock.now() < before + timedelta(seconds=20)
