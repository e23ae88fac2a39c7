"""The schema: migrations that many may start at once, CHECKs that refuse illegal rows, plans that use the indexes."""

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import closing
from importlib.resources import files
from urllib.parse import urlsplit

import asyncpg
import pytest

from bridge.core import faults
from bridge.store import migrate as migrating
from bridge.store.migrate import LOCK, MigrationError, migrate, pending
from bridge.store.queries import names, query
from tests.integration.store.plans import PLANS, TABLE, astray
from tests.sandbox.backend import Database
from tests.sandbox.postgres import create_database, drop_database

CATALOG = """
SELECT 'column', table_name, column_name,
       concat_ws(' ', ordinal_position, data_type, is_nullable, column_default, is_identity)
FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'migrations'
UNION ALL SELECT 'index', tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'migrations'
UNION ALL SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> 'migrations'
UNION ALL SELECT 'options', relname, '', array_to_string(reloptions, ',') FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'migrations'
ORDER BY 1, 2, 3
"""


async def test_many_starters_migrate_once(empty_dsn: str) -> None:
    done = await asyncio.gather(*(migrate(empty_dsn) for _ in range(5)))
    assert sorted(name for names in done for name in names) == [migration.name for migration in migrating.migrations()]
    assert await pending(empty_dsn) == []


async def test_what_is_missing_is_told_before_the_first_migration(empty_dsn: str) -> None:
    assert await pending(empty_dsn) == [migration.name for migration in migrating.migrations()]


async def test_a_changed_migration_is_refused(empty_dsn: str) -> None:
    await migrate(empty_dsn)
    connection = await asyncpg.connect(empty_dsn)
    await connection.execute("UPDATE migrations SET checksum = 'other' WHERE name LIKE '0001%'")
    await connection.close()
    with pytest.raises(MigrationError, match=r"0001_runs.sql was changed"):
        await migrate(empty_dsn)


async def test_a_newer_database_that_this_version_cannot_work_with_is_refused(empty_dsn: str) -> None:
    for name in ("9999_future.sql", "9998_future.since-9997.sql"):
        await migrate(empty_dsn)
        connection = await asyncpg.connect(empty_dsn)
        await connection.execute("INSERT INTO migrations VALUES ($1, 'x')", name)
        for refuses in (migrate, pending):
            with pytest.raises(MigrationError, match=f"{name}.*newer"):
                await refuses(empty_dsn)
        await connection.execute("DELETE FROM migrations WHERE name = $1", name)
        await connection.close()


async def test_a_newer_database_that_only_has_more_is_served(empty_dsn: str) -> None:
    """While an upgrade is rolled out a process of the old version may be started anew."""
    await migrate(empty_dsn)
    newest = migrating.migrations()[-1].number
    connection = await asyncpg.connect(empty_dsn)
    await connection.execute("INSERT INTO migrations VALUES ($1, 'x')", f"9999_more.since-{newest}.sql")
    await connection.close()
    assert await pending(empty_dsn) == await migrate(empty_dsn) == []


def test_migrations_are_numbered_and_those_after_the_first_release_say_since_when_they_may_be_applied() -> None:
    """The first release brings all up to 0002; no older version works with those."""
    found = migrating.migrations()
    numbers = [migration.number for migration in found]
    assert numbers == [f"{number:04d}" for number in range(1, len(found) + 1)]
    assert [migration.name for migration in found[2:] if migration.since >= migration.number] == []


async def test_the_schema_file_equals_the_migrations(postgres_dsn: str, empty_dsn: str) -> None:
    migrated, written = await asyncpg.connect(postgres_dsn), await asyncpg.connect(empty_dsn)
    await written.execute(files("sql").joinpath("schema.sql").read_text())
    assert [tuple(row) for row in await written.fetch(CATALOG)] == [tuple(row) for row in await migrated.fetch(CATALOG)]
    await migrated.close()
    await written.close()


@pytest.mark.parametrize("name", names())
async def test_every_query_is_valid_and_says_why_it_is_there(postgres_dsn: str, name: str) -> None:
    connection = await asyncpg.connect(postgres_dsn)
    await connection.prepare(query(name))
    await connection.close()
    assert query(name).startswith("-- ")


@pytest.fixture(scope="module")
async def large(postgres: Database) -> AsyncIterator[asyncpg.Connection]:
    """A connection to a database of 100,000 rows, of which two thirds are unsettled."""
    name = f"bridge_test_large_{secrets.token_hex(6)}"
    dsn = await create_database(postgres.dsn(), name)
    await migrate(dsn)
    connection = await asyncpg.connect(dsn)
    await connection.execute(TABLE, 100_000)
    await connection.execute("VACUUM ANALYZE runs")
    yield connection
    await connection.close()
    await drop_database(postgres.dsn(), name)


@pytest.mark.parametrize(("name", "args", "index"), PLANS, ids=[f"{plan[0]}-{plan[2]}" for plan in PLANS])
@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_what_is_asked_often_reads_an_index_and_never_the_table(
    large: asyncpg.Connection, name: str, args: list[object], index: str, mode: str
) -> None:
    """Both plans: PostgreSQL may take up the generic one after five executions of a prepared statement."""
    await large.execute(f"SET plan_cache_mode = {mode}")
    assert await astray(large, name, args, index) == []


async def test_a_migration_that_fails_leaves_nothing_and_goes_on_later(empty_dsn: str) -> None:
    connection = await asyncpg.connect(empty_dsn)
    await connection.execute("CREATE TABLE replicas (mine integer)")
    with pytest.raises(asyncpg.DuplicateTableError):
        await migrate(empty_dsn)
    left = [migration.name for migration in migrating.migrations()][1:]
    assert left[0] == "0002_operation.sql"
    assert await pending(empty_dsn) == left
    assert await connection.fetchval("SELECT to_regclass('dead_letters')") is None
    await connection.execute("DROP TABLE replicas")
    assert await migrate(empty_dsn) == left
    await connection.close()


async def test_a_migration_waits_for_another_no_longer_than_it_may(empty_dsn: str) -> None:
    await migrate(empty_dsn)
    connection = await asyncpg.connect(empty_dsn)
    await connection.execute("SELECT pg_advisory_lock($1)", LOCK)
    with pytest.raises(faults.Unavailable):
        await migrate(empty_dsn, timeout=0.5)
    await connection.close()
    assert await migrate(empty_dsn) == []


async def _changes(dsn: str, task: str, end: asyncio.Event) -> int:
    """Change a run as services do, in one transaction after the other; how often."""
    connection, done = await asyncpg.connect(dsn), 0
    while not end.is_set():
        async with connection.transaction():
            await connection.fetch("SELECT * FROM runs WHERE task_id = $1 FOR UPDATE", task)
            await connection.execute("UPDATE runs SET attempts = attempts + 1 WHERE task_id = $1", task)
        done += 1
    await connection.close()
    return done


async def test_the_newest_migration_is_applied_while_services_change_rows(empty_dsn: str) -> None:
    """Neither they nor it may be the victim of a deadlock: it must lock as much as it will ever need before all else."""
    *older, newest = migrating.migrations()
    async with asyncpg.create_pool(empty_dsn, min_size=1, max_size=1) as pool, pool.acquire() as connection:
        await connection.execute(migrating._TABLE)
        for migration in older:
            await migrating._apply(connection, migration)
        await connection.execute(TABLE, 30_000)
    end = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        services = [group.create_task(_changes(empty_dsn, f"t{number}", end)) for number in range(1, 4)]
        assert await migrate(empty_dsn) == [newest.name]
        end.set()
    assert all(service.result() for service in services)


async def test_what_is_pending_is_asked_without_any_right_to_write(empty_dsn: str) -> None:
    await migrate(empty_dsn)
    connection = await asyncpg.connect(empty_dsn)
    await connection.execute(f"ALTER DATABASE {urlsplit(empty_dsn).path[1:]} SET default_transaction_read_only = on")
    await connection.close()
    assert await pending(empty_dsn) == []
    assert await migrate(empty_dsn) == []


async def test_a_server_that_is_away_is_away_for_migrations_too() -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused, and nobody else gets the port
        dsn = f"postgresql://bridge@127.0.0.1:{taken.getsockname()[1]}/x"
        with pytest.raises(faults.Unavailable):
            await migrate(dsn)
        with pytest.raises(faults.Unavailable):
            await pending(dsn)
