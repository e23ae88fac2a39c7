"""What is due is taken at the cost of what is taken, however much is due and whatever PostgreSQL believes of its tables."""

import secrets
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from bridge.store.migrate import migrate
from tests.integration.store.plans import DUE, DUE_OWN, most_read
from tests.sandbox.backend import Database
from tests.sandbox.postgres import create_database, drop_database

MANY = 20_000
FILL = """
INSERT INTO runs (task_id, run_id, pool, phase, look_at, not_before, due_at, request_id, request_run, holder, taken_until, reclaim_at)
SELECT 't' || n, 0, 'p', 'queued', now(), now(), now() - interval '1 hour', n, 0, 'other', claimed, claimed
FROM generate_series(1, $1) n,
     LATERAL (SELECT CASE WHEN n % 2 = 0 THEN now() + interval '1 min' + n * interval '10 ms' END AS claimed) c
"""
"""Every second has a claim that ends within ten minutes; all are held by another process, which has left them overdue."""
MOVE = "UPDATE runs SET due_at = due_at + $1::interval, taken_until = taken_until + $1::interval"


@pytest.fixture(scope="module", params=["when nothing was due", "as it is"])
async def overdue(request: pytest.FixtureRequest, postgres: Database) -> AsyncIterator[asyncpg.Connection]:
    """A connection to a database of which all rows are due, and of which PostgreSQL has the statistics of one time or another."""
    name = f"bridge_test_due_{secrets.token_hex(6)}"
    dsn = await create_database(postgres.dsn(), name)
    await migrate(dsn)
    connection = await asyncpg.connect(dsn)
    await connection.execute("ALTER TABLE runs SET (autovacuum_enabled = false)")
    await connection.execute(FILL, MANY)
    if request.param == "when nothing was due":
        await connection.execute(MOVE, timedelta(hours=2))
        await connection.execute("VACUUM ANALYZE runs")
        await connection.execute(MOVE, -timedelta(hours=2))
    else:
        await connection.execute("VACUUM ANALYZE runs")
    yield connection
    await connection.close()
    await drop_database(postgres.dsn(), name)


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
@pytest.mark.parametrize(
    ("name", "args"),
    [("due", DUE), ("due_own", ["other", *DUE_OWN[1:]]), ("due_own", DUE_OWN)],
    ids=["of others", "its own", "without any of its own"],
)
async def test_no_more_is_read_than_is_taken(overdue: asyncpg.Connection, name: str, args: list[object], mode: str) -> None:
    await overdue.execute(f"SET plan_cache_mode = {mode}")
    assert (await most_read(overdue, name, args))[0] <= 64


async def test_reading_all_that_is_due_would_be_noticed(overdue: asyncpg.Connection) -> None:
    await overdue.execute("SET enable_indexscan = off")
    read, _ = await most_read(overdue, "due", DUE)
    await overdue.execute("SET enable_indexscan = on")
    assert read >= MANY // 2
