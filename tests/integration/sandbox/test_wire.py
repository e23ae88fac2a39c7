"""A cut wire tells nobody; a mended one delivers what was on the way."""

import asyncio

import asyncpg
import pytest

from tests.sandbox.wire import wired


async def test_a_connection_stands_still_while_the_wire_is_cut_and_goes_on_after_that(postgres_dsn: str) -> None:
    async with wired(postgres_dsn) as (wire, address):
        connection = await asyncpg.connect(address)
        wire.cut()
        asked = asyncio.create_task(connection.fetchval("SELECT 7"))
        knocking = asyncio.create_task(asyncpg.connect(address))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(asyncio.wait([asked, knocking], return_when="FIRST_COMPLETED")), 0.5)
        wire.mend()
        async with asyncio.timeout(20):
            assert await asked == 7
            await (await knocking).close()
            await connection.close()


async def test_a_side_that_goes_takes_the_other_with_it(postgres_dsn: str) -> None:
    async with wired(postgres_dsn) as (_, address):
        connection, near = await asyncpg.connect(postgres_dsn), await asyncpg.connect(address)
        await connection.execute("SELECT pg_terminate_backend($1)", near.get_server_pid())
        async with asyncio.timeout(20):
            with pytest.raises((asyncpg.PostgresConnectionError, asyncpg.AdminShutdownError, asyncpg.InterfaceError)):
                await near.fetchval("SELECT 7")
        await connection.close()


async def test_the_end_closes_what_is_left(postgres_dsn: str) -> None:
    async with wired(postgres_dsn) as (wire, address):
        connection = await asyncpg.connect(address)
        wire.cut()
    async with asyncio.timeout(20):
        with pytest.raises((OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError)):
            await connection.fetchval("SELECT 7")
