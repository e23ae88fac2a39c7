"""What `bbb doctor` is told of the database, and of its refusals."""

import secrets
from urllib.parse import urlsplit

import asyncpg
import pytest

from bridge.store import checkup, database
from bridge.store.clock import DatabaseClock
from bridge.store.database import Database
from bridge.store.people import People


async def test_the_server_tells_its_facts(opened: Database, postgres_dsn: str) -> None:
    facts = await checkup.facts(opened)
    clock = DatabaseClock()
    await clock.ask(opened)
    address = urlsplit(postgres_dsn)
    assert (facts.database, facts.role) == (address.path[1:], address.username)
    assert facts.version.split(".")[0].isdecimal()
    assert abs((clock.now() - facts.now).total_seconds()) < 30


async def test_a_database_that_is_not_there_is_named(postgres_dsn: str) -> None:
    nowhere = urlsplit(postgres_dsn)._replace(path=f"/nowhere_{secrets.token_hex(4)}").geturl()
    with pytest.raises(checkup.RefusedError, match=r"nowhere_.*createdb"), checkup.refusals_in_words():
        async with database.opened(nowhere) as opened:
            await opened.fetch("SELECT 1")


async def test_a_database_that_is_closed_to_everybody_is_away_until_it_is_opened(
    postgres_dsn: str, opened: Database
) -> None:
    """As an operator closes it to restore or to copy it: services wait, they do not fail."""
    name = urlsplit(postgres_dsn).path[1:]
    operator = await asyncpg.connect(urlsplit(postgres_dsn)._replace(path="/postgres").geturl())
    await operator.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    try:
        with pytest.raises(database.NotAdmittedError, match="not currently accepting connections"):
            await opened.fetch("SELECT 1")
        with pytest.raises(checkup.RefusedError, match="ALLOW_CONNECTIONS true"), checkup.refusals_in_words():
            await opened.fetch("SELECT 1")
    finally:
        await operator.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        await operator.close()
    assert await opened.value("SELECT 1") == 1


async def test_a_database_that_was_not_migrated_says_what_to_run(empty_dsn: str) -> None:
    with pytest.raises(checkup.RefusedError, match="bbb migrate"), checkup.refusals_in_words():
        async with database.opened(empty_dsn) as opened:
            await People(opened).counts()


async def test_a_role_without_rights_is_told_so(postgres_dsn: str) -> None:
    operator = await asyncpg.connect(postgres_dsn)
    role = f"bridge_test_{secrets.token_hex(6)}"
    await operator.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'x'")
    host = urlsplit(postgres_dsn).netloc.rpartition("@")[2]
    with pytest.raises(checkup.RefusedError, match="Grant it"), checkup.refusals_in_words():
        async with database.opened(f"postgresql://{role}:x@{host}{urlsplit(postgres_dsn).path}") as opened:
            await People(opened).counts()
    await operator.execute(f"DROP ROLE {role}")
    await operator.close()
