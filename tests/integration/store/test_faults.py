"""A server that is stopped, killed, frozen, promoted or overloaded: `Unavailable` while it lasts, and well again after it."""

import asyncio
import secrets
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from bridge.core import faults
from bridge.core.run import BuildId, RunId, Settled
from bridge.store import database
from bridge.store.database import BareDatabaseError, CollidedError, Database
from bridge.store.migrate import migrate
from bridge.store.runs import Runs
from tests.integration.store.rows import TASK, saved, wanted
from tests.sandbox.postgres import PrivatePostgres, at, create_database, drop_database

RECOVERY = 30.0


@pytest.fixture(scope="module")
async def server(servers_directory: Path) -> AsyncIterator[PrivatePostgres]:
    """One that may be killed: it keeps what was committed."""
    async with PrivatePostgres(servers_directory / f"killed-{secrets.token_hex(4)}", durable=True) as server:
        yield server


@pytest.fixture
async def fragile(server: PrivatePostgres) -> AsyncIterator[Runs]:
    """The store on a server that the test may hurt; no statement takes longer than a second."""
    await server.start()
    dsn = await create_database(server.dsn(), f"bridge_test_{secrets.token_hex(6)}")
    await migrate(dsn)
    async with database.opened(dsn, command_timeout=1.0) as opened:
        yield Runs(opened, "me", ("linux",))


async def well_again(work: Callable[[], Awaitable[object]]) -> None:
    """Returns once the work succeeds; only `Unavailable` is borne with until then."""
    end = time.monotonic() + RECOVERY
    while True:
        try:
            await work()
        except faults.Unavailable:
            if time.monotonic() > end:
                raise
            await asyncio.sleep(0.05)
        else:
            return


async def everything_fails(store: Runs) -> None:
    for work in (
        lambda: store.insert([wanted(5)]),
        lambda: saved(store, wanted()),
        lambda: store.lease(wanted().key, "a"),
        lambda: store.due("a", limit=1, foreign=True),
        lambda: store.of_task(TASK),
    ):
        with pytest.raises(faults.Unavailable, match="PostgreSQL"):
            await work()


@pytest.mark.parametrize("mode", ["fast", "immediate", "kill"])
async def test_a_server_that_ends_is_unavailable_and_what_was_saved_is_there_after_it(
    server: PrivatePostgres, fragile: Runs, mode: str
) -> None:
    await fragile.insert([wanted()])
    await saved(fragile, replace(wanted(), attempts=7))
    await (server.kill() if mode == "kill" else server.stop("fast" if mode == "fast" else "immediate"))
    await everything_fails(fragile)
    await server.start()
    await well_again(lambda: fragile.insert([wanted(1)]))
    assert {number: run.attempts for number, run in (await fragile.of_task(TASK)).items()} == {0: 7, 1: 0}


async def test_a_database_that_is_dropped_is_unavailable_until_it_is_made_anew_and_migrated(
    server: PrivatePostgres, fragile: Runs
) -> None:
    """A service that runs neither ends for it nor does anything: it says what is missing, and goes on when it is there."""
    name = await fragile.database.value("SELECT current_database()")
    dsn = at(server.dsn(), name)
    await fragile.insert([wanted()])
    await drop_database(server.dsn(), name)
    await everything_fails(fragile)
    await create_database(server.dsn(), name)
    for _ in range(2):
        await everything_fails(fragile)
    with pytest.raises(BareDatabaseError, match="bbb migrate"):
        await fragile.of_task(TASK)
    await migrate(dsn)
    await well_again(lambda: fragile.insert([wanted(1)]))
    assert set(await fragile.of_task(TASK)) == {RunId(1)}


async def test_a_server_that_restarts_under_load_loses_and_repeats_nothing(server: PrivatePostgres, fragile: Runs) -> None:
    """Each worker counts what it was told is saved: the row counts at least that, at most those told and those in doubt."""
    await fragile.insert([wanted()])
    sure, doubtful, end = [0], [0], asyncio.Event()

    async def count() -> None:
        while not end.is_set():
            try:
                await fragile.change(
                    TASK, lambda rows: {RunId(0): replace(rows[RunId(0)], attempts=rows[RunId(0)].attempts + 1)}, because="t"
                )
                sure[0] += 1
            except faults.Unavailable:
                doubtful[0] += 1
                await asyncio.sleep(0.01)

    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(count())
        for _ in range(3):
            known = sure[0]
            async with asyncio.timeout(RECOVERY):
                while sure[0] < known + 20:
                    await asyncio.sleep(0.01)
            await server.restart_immediate()
        end.set()
    await well_again(lambda: fragile.of_task(TASK))
    attempts = (await fragile.of_task(TASK))[RunId(0)].attempts
    assert sure[0] >= 60
    assert sure[0] <= attempts <= sure[0] + doubtful[0]


async def test_a_frozen_server_is_given_up_in_time_and_used_again_after_it(server: PrivatePostgres, fragile: Runs) -> None:
    await fragile.insert([wanted()])
    server.pause()
    try:
        before = time.monotonic()
        with pytest.raises(faults.Unavailable):
            await fragile.of_task(TASK)
        assert time.monotonic() - before < 15
    finally:
        server.resume()
    await well_again(lambda: fragile.of_task(TASK))


async def test_a_frozen_server_does_not_keep_us_from_ending(server: PrivatePostgres) -> None:
    await server.start()
    before = time.monotonic()
    try:
        async with database.opened(server.dsn(), command_timeout=0.5) as opened:
            await opened.fetch("SELECT 1")
            server.pause()
            with pytest.raises(faults.Unavailable):
                await opened.fetch("SELECT 1")
    finally:
        server.resume()
    assert time.monotonic() - before < 15


async def test_a_session_that_an_operator_ends_is_replaced(store: Runs) -> None:
    await store.insert([wanted()])
    async with store.database.transaction() as connection:
        (own,) = await connection.fetchrow("SELECT pg_backend_pid()")
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> $1", own
        )
    await well_again(lambda: store.of_task(TASK))
    with pytest.raises(faults.Unavailable):
        async with store.database.transaction() as connection:
            await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    assert list(await store.of_task(TASK)) == [0]


async def test_nobody_listens_and_somebody_does_later(postgres_dsn: str) -> None:
    """A pool opens while the server is away; that is told at the first use."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        nowhere = urlsplit(postgres_dsn)._replace(netloc=f"bridge@127.0.0.1:{taken.getsockname()[1]}").geturl()
        async with database.opened(nowhere) as opened:
            with pytest.raises(faults.Unavailable):
                await opened.fetch("SELECT 1")


async def test_a_server_that_is_no_longer_primary_is_left(postgres_dsn: str) -> None:
    """Sessions keep what they were told when they began, as they stay on a server that was demoted behind an address."""
    name = urlsplit(postgres_dsn).path[1:]
    operator = await asyncpg.connect(postgres_dsn)
    await operator.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    async with database.opened(postgres_dsn, size=2) as opened:
        store = Runs(opened, "me", ("linux",))
        with pytest.raises(faults.Unavailable, match="read-only"):
            await store.insert([wanted()])
        await operator.execute("SET default_transaction_read_only = off")
        await operator.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = off")
        assert await store.insert([wanted()]) == [wanted().key]
    await operator.close()


async def test_too_many_connections_are_a_passing_fault(postgres_dsn: str) -> None:
    name = urlsplit(postgres_dsn).path[1:]
    operator = await asyncpg.connect(postgres_dsn)
    # The limit of a database holds for ordinary roles alone.
    role = f"bridge_test_{secrets.token_hex(6)}"
    await operator.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'x'; GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}")
    await operator.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 0")
    host = urlsplit(postgres_dsn).netloc.rpartition("@")[2]
    async with database.opened(f"postgresql://{role}:x@{host}/{name}") as opened:
        store = Runs(opened, "me", ("linux",))
        with pytest.raises(faults.Unavailable):
            await store.of_task(TASK)
        await operator.execute(f"ALTER DATABASE {name} CONNECTION LIMIT -1")
        assert await store.of_task(TASK) == {}
    await operator.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")
    await operator.close()


async def test_a_role_that_is_exchanged_is_a_passing_fault_and_the_new_one_needs_no_restart(postgres_dsn: str) -> None:
    operator = await asyncpg.connect(postgres_dsn)
    host = urlsplit(postgres_dsn).netloc.rpartition("@")[2]
    roles = [f"bridge_test_{secrets.token_hex(6)}" for _ in range(2)]
    for role in roles:
        await operator.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'x'; GRANT SELECT ON runs TO {role}")
    addresses = [f"postgresql://{role}:x@{host}{urlsplit(postgres_dsn).path}" for role in roles]
    async with database.opened(lambda: addresses[0], size=1) as opened:
        store = Runs(opened, "me", ("linux",))
        assert await store.of_task(TASK) == {}
        await operator.execute(f"ALTER ROLE {roles[0]} NOLOGIN")
        await operator.fetch("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = $1", roles[0])
        for _ in range(2):  # the first may meet the connection that is gone
            with pytest.raises(faults.Unavailable):
                await store.of_task(TASK)
        del addresses[0]
        assert await store.of_task(TASK) == {}
    for role in roles:
        await operator.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")
    await operator.close()


async def test_a_row_that_somebody_keeps_locked_is_waited_for_no_longer_than_a_statement_may(postgres_dsn: str) -> None:
    async with database.opened(postgres_dsn, command_timeout=0.5) as opened:
        store = Runs(opened, "me", ("linux",))
        await store.insert([wanted()])
        async with asyncio.timeout(10), opened.transaction() as other:
            await other.execute("SELECT FROM runs FOR UPDATE")
            with pytest.raises(faults.Unavailable):
                await saved(store, replace(wanted(), attempts=1))
        await saved(store, replace(wanted(), attempts=2))


async def test_who_loses_a_deadlock_tries_again_at_once(opened: Database) -> None:
    """Two statements that lock two rows crosswise: PostgreSQL ends one of them, and both succeed all the same."""
    await opened.fetch("CREATE TABLE pair (id integer PRIMARY KEY, count integer)")
    await opened.fetch("INSERT INTO pair VALUES (1, 0), (2, 0)")
    await opened.fetch(
        "CREATE FUNCTION both_rows(one integer, other integer) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN"
        "  UPDATE pair SET count = count + 1 WHERE id = one; PERFORM pg_sleep(0.3);"
        "  UPDATE pair SET count = count + 1 WHERE id = other; RETURN 1; END $$"
    )
    await asyncio.gather(*(opened.value("SELECT both_rows($1, $2)", *pair) for pair in ((1, 2), (2, 1))))
    assert await opened.value("SELECT array_agg(count) FROM pair") == [2, 2]


async def test_a_collision_is_told_from_an_outage(opened: Database) -> None:
    with pytest.raises(CollidedError):
        await opened.fetch("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40001'; END $$")


async def test_a_migration_under_a_running_process_does_not_disturb_it(store: Runs, postgres_dsn: str) -> None:
    """Prepared statements that name all columns go stale; outside of a transaction and in one."""
    await store.insert([wanted()])
    for number in range(3):
        await saved(store, replace(wanted(), attempts=number))
        await store.lease(wanted().key, "a")
    other = await asyncpg.connect(postgres_dsn)
    await other.execute("ALTER TABLE runs ADD COLUMN news text DEFAULT 'none'")
    await other.close()
    await saved(store, replace(wanted(), attempts=9))
    assert await store.lease(wanted().key, "a") == replace(wanted(), attempts=9)


async def test_what_our_own_defect_causes_is_no_outage(store: Runs) -> None:
    """A run that cannot be stored must be seen by a person: taken for an outage it would be tried for ever."""
    with pytest.raises(asyncpg.DataError):
        await store.add(replace(wanted(), attempts=2**40), "test")
    too_large = replace(wanted(), phase=Settled("done", build=BuildId(2**64)))
    with pytest.raises(asyncpg.PostgresError):
        await store.add(too_large, "test")
    with pytest.raises(asyncpg.DataError):
        await store.database.fetch("SELECT $1::integer", "no number")
    with pytest.raises(asyncpg.UndefinedFunctionError):
        await store.database.fetch("SELECT nobody_knows()")


async def test_an_address_that_makes_no_sense_is_no_outage() -> None:
    with pytest.raises(ValueError, match="sslmode"):
        async with database.opened("postgresql://127.0.0.1/x?sslmode=perhaps") as opened:
            await opened.fetch("SELECT 1")


async def test_more_work_than_connections_waits_its_turn(postgres_dsn: str) -> None:
    async with database.opened(postgres_dsn, size=2) as opened:
        store = Runs(opened, "me", ("linux",))
        await asyncio.gather(*(store.insert([wanted(number)]) for number in range(50)))
        assert len(await store.of_task(TASK)) == 50


async def test_a_session_is_as_it_was_after_each_use(opened: Database) -> None:
    """The pool does not reset its connections: a transaction that fails must leave nothing open."""
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            async with opened.transaction() as connection:
                await connection.execute("SELECT 1")
                raise ZeroDivisionError
        with pytest.raises(asyncpg.UndefinedFunctionError):
            async with opened.transaction() as connection:
                await connection.execute("SELECT nobody_knows()")
    async with opened.connection() as connection:
        assert not connection.is_in_transaction()


async def test_a_cancelled_use_leaves_the_pool_whole(opened: Database) -> None:
    for _ in range(20):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02), opened.transaction() as connection:
                await connection.execute("SELECT pg_sleep(10)")
    assert await opened.value("SELECT 1") == 1


async def test_a_last_word_that_comes_before_the_end_of_its_connection_is_an_outage(
    server: PrivatePostgres, fragile: Runs
) -> None:
    """A server that ends a session says so, then closes it: between the two, asyncpg refuses the connection as its own defect."""
    dsn = at(server.dsn(), await fragile.database.value("SELECT current_database()"))
    last_word = asyncio.Event()
    async with (
        _without_ends(server.port, last_word) as port,
        database.opened(dsn.replace(f":{server.port}", f":{port}"), size=1) as cut,
    ):
        session = await cut.value("SELECT pg_backend_pid()")
        await fragile.database.fetch("SELECT pg_terminate_backend($1)", session)
        async with asyncio.timeout(RECOVERY):
            await last_word.wait()
        for _ in range(10):
            await asyncio.sleep(0)  # a turn of the event loop for each hand that it goes through
        with pytest.raises(faults.Unavailable):
            await cut.value("SELECT pg_backend_pid()")
        await well_again(lambda: cut.value("SELECT pg_backend_pid()"))


@asynccontextmanager
async def _without_ends(target: int, last_word: asyncio.Event) -> AsyncIterator[int]:
    """A port that leads to another and passes on every byte, but not the end of a connection; tells of `admin_shutdown`."""
    pumps: list[asyncio.Task[None]] = []

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(65536):
            writer.write(chunk)
            if b"57P01" in chunk:
                last_word.set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", target)
        pumps.extend((asyncio.create_task(pump(reader, back)), asyncio.create_task(pump(there, writer))))
        open_ones.extend((writer, back))

    open_ones: list[asyncio.StreamWriter] = []
    listener = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()
        for each in pumps:
            each.cancel()
        for writer in open_ones:
            writer.close()
