"""The database: plans at very many rows, and how much tables and indexes grow."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import asyncpg

from bridge.core.run import (
    BuildId,
    Building,
    Claim,
    Facts,
    Phase,
    Queued,
    Reporting,
    Request,
    RequestId,
    Run,
    RunId,
    RunKey,
    Settled,
    TaskId,
    Wanted,
    Worker,
)
from bridge.core.verdict import Resolution, Verdict
from bridge.store.migrate import migrate
from bridge.store.queries import query
from bridge.store.rows import phase_name, to_json, to_row
from tests.bench.crowd.names import task_of
from tests.bench.house import Counting
from tests.bench.report import Part
from tests.integration.store.plans import DUE, DUE_OWN, PLANS, TABLE, astray, most_read
from tests.sandbox.postgres import create_database
from tests.sandbox.process import scratch

BATCH = 500
"""Of settled rows that retention takes at once; the reflector's own number."""
SIZES = "SELECT pg_table_size('runs') AS runs, pg_indexes_size('runs') AS indexes, pg_total_relation_size('transitions') AS transitions"
WORKER = Worker("buildbot", "ledger-1")
OVERDUE = """
UPDATE runs SET due_at = now() - interval '2 days' + (due_at - created_at), holder = 'other',
    taken_until = CASE WHEN taken_until IS NOT NULL THEN now() + interval '1 min' + (request_id * 7919 % $1::bigint) * interval '10 ms' END
WHERE due_at < now() + $1::bigint * interval '1.5 s'
"""
"""$1: of so many rows or a few less; half of them have a claim that ends within some minutes."""


async def measure(*, quick: bool) -> list[Part]:
    """100,000 rows and small tides when it must be quick, else a million."""
    async with _server() as connection:
        plans = await _plans(connection, 100_000 if quick else 1_000_000)
        overdue = await _overdue(connection, 4_000 if quick else 40_000)
    async with _server() as connection:
        growth = await _growth(connection, 500 if quick else 5_000)
    return [plans, overdue, growth]


@asynccontextmanager
async def _server() -> AsyncIterator[asyncpg.Connection]:
    with scratch("bench-database") as directory:
        async with Counting(directory / "postgres") as postgres:
            dsn = await create_database(postgres.dsn(), "bridge")
            await migrate(dsn)
            connection = await asyncpg.connect(dsn)
            try:
                yield connection
            finally:
                await connection.close()


async def _plans(connection: asyncpg.Connection, count: int) -> Part:
    part = Part("database", f"Plans at {count:,} rows", "two thirds of them unsettled; both the custom and the generic plan")
    await connection.execute(TABLE, count, timeout=900)
    await connection.execute("VACUUM ANALYZE runs", timeout=900)
    wrong: list[str] = []
    for mode in ("force_custom_plan", "force_generic_plan"):
        await connection.execute(f"SET plan_cache_mode = {mode}")
        for name, args, index in PLANS:
            wrong += await astray(connection, name, args, index)
    part.add("statements", 2 * len(PLANS), "plans")
    part.add("that read all rows, or not their index", len(wrong), "plans", exact=0, note="; ".join(wrong[:3]))
    return part


async def _overdue(connection: asyncpg.Connection, count: int) -> Part:
    """All that is due is held by another process, which has left it."""
    part = Part("database", f"{count:,} of them due at once", "64 are taken at a time; the median of 9 looks, each undone")
    await connection.execute(OVERDUE, count, timeout=900)
    looks: list[tuple[str, str, list[object]]] = [
        ("whatever is due", "due", DUE),
        ("its own", "due_own", ["other", *DUE_OWN[1:]]),
        ("its own where it has none", "due_own", DUE_OWN),
    ]
    for statistics in ("old", "new"):
        for words, name, args in looks:
            found = sorted([await most_read(connection, name, args) for _ in range(9)])
            part.add(f"{words}, {statistics} statistics: rows of the table read", found[-1][0], "rows", bound=64)
            part.add(f"{words}, {statistics} statistics", sorted(took for _, took in found)[4], "ms")
        await connection.execute("VACUUM ANALYZE runs", timeout=900)
    return part


async def _growth(connection: asyncpg.Connection, tide: int) -> Part:
    """Tides of runs that live and are retired: what is left after each is as large as after the one before."""
    part = Part(
        "database",
        "Growth",
        f"tides of {tide:,} runs, each lived and retired in batches of {BATCH}, vacuumed as autovacuum would",
    )
    sizes: list[dict[str, int]] = []
    for number in range(6):
        await _lived(connection, [task_of(number * tide + n) for n in range(tide)])
        await _retired(connection)
        sizes.append(dict(await connection.fetchrow(SIZES)))
    for name, last in sizes[-1].items():
        part.add(
            f"{name} after six tides ÷ after two",
            last / sizes[1][name],
            "×",
            goal=1.05,
            bound=1.25,
            note=f"{last / tide:.0f} B a run of a tide",
        )
    left = await connection.fetchval("SELECT (SELECT count(*) FROM runs) + (SELECT count(*) FROM transitions)")
    part.add("rows left of retired runs", left, "rows", exact=0)
    return part


def _lives(at: datetime) -> list[tuple[Phase, datetime]]:
    """The phases of a run without trouble, with a renewal of its claim."""
    request, build = Request(RequestId(1), RunId(0)), BuildId(1)
    claim = Claim(at + timedelta(minutes=20), at + timedelta(minutes=7))
    verdict = Verdict(Resolution.COMPLETED, "the build succeeded", 0)
    renewed = Claim(at + timedelta(minutes=27), at + timedelta(minutes=14))
    phases: list[Phase] = [
        Wanted(asked=True),
        Queued(request, None, None, None, "low"),
        Building(request, build, WORKER, None),
        Building(request, build, WORKER, claim),
        Building(request, build, WORKER, renewed),
        Reporting(request, build, WORKER, verdict, at, renewed),
        Settled("completed", request, build),
    ]
    return [(phase, at + timedelta(seconds=place)) for place, phase in enumerate(phases)]


async def _lived(connection: asyncpg.Connection, tasks: list[str]) -> None:
    at = datetime.now(UTC) - timedelta(days=40)
    keys = [RunKey(TaskId(task), RunId(0)) for task in tasks]
    many = [[key.task_id for key in keys], [0] * len(keys), ["demo"] * len(keys), *([[at] * len(keys)] * 3)]
    await connection.fetch(query("insert"), *many, "bench", "the run is pending in Taskcluster")
    facts = Facts("g" * 22, "demo", "none", "low", at, at + timedelta(days=1), at + timedelta(days=30))
    before = "wanted"
    for version, (phase, when) in enumerate(_lives(at), 1):
        now = phase_name(phase)
        rows = [{**to_row(Run(key, "demo", phase, when, when, facts, "ledger")), "version": version} for key in keys]
        told = [_change(key, before, now) for key in keys] if now != before else []
        saved = await connection.fetchval(query("save"), to_json(rows), to_json(told), "bench", None, None)
        assert saved == len(keys)
        before = now


def _change(key: RunKey, before: str, now: str) -> dict[str, object]:
    row: dict[str, object] = {"task_id": key.task_id, "run_id": 0, "from_phase": before, "to_phase": now}
    return row | {
        "because": "Buildbot says: request 1 complete, SUCCESS, build 1 on ledger-1",
        "cause": [{"event": "RequestSeen"}],
    }


async def _retired(connection: asyncpg.Connection) -> None:
    end = time.monotonic() + 600
    while await connection.fetchval(query("retire"), timedelta(days=30), BATCH) == BATCH:
        assert time.monotonic() < end
        await connection.execute("VACUUM runs, transitions")
    await connection.execute("VACUUM ANALYZE runs, transitions")
