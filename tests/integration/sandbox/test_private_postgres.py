"""The private PostgreSQL can be trusted with crash tests: it comes back where it was, and touches nothing else."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from tests.integration.sandbox.sockets import addresses_listened_on
from tests.sandbox import process
from tests.sandbox.postgres import PrivatePostgres


@pytest.fixture
def directory() -> Iterator[Path]:
    with process.scratch("postgres") as made:
        yield made


@pytest.fixture
async def server(directory: Path) -> AsyncIterator[PrivatePostgres]:
    async with PrivatePostgres(directory, durable=True) as started:
        yield started


async def one(server: PrivatePostgres, statement: str) -> object:
    connection = await asyncpg.connect(server.dsn(), timeout=10)
    try:
        return await connection.fetchval(statement, timeout=10)
    finally:
        await connection.close()


async def test_it_listens_on_loopback_only(server: PrivatePostgres) -> None:
    assert addresses_listened_on(server.pid) == {("127.0.0.1", server.port)}


async def test_it_does_not_run_as_root(server: PrivatePostgres) -> None:
    assert Path(f"/proc/{server.pid}").stat().st_uid != 0


async def test_a_durable_server_writes_through_and_a_volatile_one_does_not(server: PrivatePostgres, directory: Path) -> None:
    assert await one(server, "SHOW fsync") == "on"
    async with PrivatePostgres(directory / "volatile") as volatile:
        assert await one(volatile, "SHOW fsync") == "off"


async def test_committed_rows_survive_every_way_to_end_it_and_the_address_stays(server: PrivatePostgres) -> None:
    address = server.dsn()
    await one(server, "CREATE TABLE kept (n int)")
    await one(server, "INSERT INTO kept VALUES (1)")
    await server.stop()
    await server.start()
    await one(server, "INSERT INTO kept VALUES (2)")
    await server.restart_immediate()
    await one(server, "INSERT INTO kept VALUES (3)")
    await server.kill()
    await server.start()
    assert await one(server, "SELECT count(*) FROM kept") == 3
    assert server.dsn() == address


async def test_a_kill_breaks_the_sessions_and_leaves_no_process(server: PrivatePostgres) -> None:
    connection = await asyncpg.connect(server.dsn(), timeout=10)
    family = (server.pid, *process.descendants(server.pid))
    assert len(family) > 2
    await server.kill()
    assert not any(process.running(pid) for pid in family)
    with pytest.raises((asyncpg.InterfaceError, asyncpg.PostgresConnectionError, OSError)):
        await connection.fetchval("SELECT 1", timeout=10)
    connection.terminate()


async def test_a_paused_server_keeps_the_session_and_answers_when_it_is_resumed(server: PrivatePostgres) -> None:
    connection = await asyncpg.connect(server.dsn(), timeout=10)
    server.pause()
    with pytest.raises(TimeoutError):
        await asyncpg.connect(server.dsn(), timeout=0.5)
    server.resume()
    assert await connection.fetchval("SELECT 1", timeout=10) == 1
    await connection.close()


async def test_a_paused_server_can_be_stopped(server: PrivatePostgres) -> None:
    pid = server.pid
    server.pause()
    await server.stop()
    assert not process.running(pid)


async def test_two_servers_live_side_by_side(directory: Path) -> None:
    first, second = PrivatePostgres(directory / "first"), PrivatePostgres(directory / "second")
    async with asyncio.TaskGroup() as starting:
        starting.create_task(first.start())
        starting.create_task(second.start())
    async with first, second:
        await one(first, "CREATE TABLE only_here ()")
        assert await one(first, "SELECT to_regclass('only_here') IS NOT NULL")
        assert not await one(second, "SELECT to_regclass('only_here') IS NOT NULL")


async def test_a_restart_waits_for_its_own_port_when_somebody_holds_it(server: PrivatePostgres) -> None:
    await server.stop()
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", server.port))
        holder.listen()
        starting = asyncio.create_task(server.start())
        done, _ = await asyncio.wait([starting], timeout=1)
        assert not done
    await starting
    assert await one(server, "SELECT 1") == 1


async def test_a_server_that_cannot_start_shows_its_log(server: PrivatePostgres, directory: Path) -> None:
    await server.stop()
    with (directory / "data" / "postgresql.conf").open("a") as configuration:
        configuration.write("no_such_setting = 1\n")
    with pytest.raises(process.ServerDiedError, match="no_such_setting"):
        await server.start()
