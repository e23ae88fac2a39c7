"""The CHECKs: each phase has exactly its columns, whoever writes the row."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime

import asyncpg
import pytest

from bridge.core.run import BuildId, Building, Phase, Queued, Refused, Reporting, Settled, Stopping, Wanted
from bridge.store.rows import phase_name
from bridge.store.runs import Runs
from tests.integration.store.rows import AT, FULL, GOOD, REQUEST, WORKER, saved, wanted

# Written down once more, apart from the code: columns that a phase must have, and may have.
REQUESTS, WORKERS, CLAIMS = {"request_id", "request_run"}, {"worker_group", "worker_id"}, {"taken_until", "reclaim_at"}
MUST = {
    "wanted": {"asked"},
    "queued": REQUESTS,
    "building": REQUESTS | WORKERS | {"build_id"},
    "reporting": REQUESTS | WORKERS | {"verdict", "verdict_why", "since"},
    "refused": WORKERS | {"reason"},
    "stopping": {"reason", "since", "cancels", "over"},
    "settled": {"outcome"},
}
MAY = {
    "wanted": {"held"},
    "queued": WORKERS | CLAIMS | {"after_build", "told_priority"},
    "building": CLAIMS,
    "reporting": CLAIMS | {"build_id", "verdict_results"},
    "refused": CLAIMS,
    "stopping": REQUESTS | WORKERS | {"build_id"},
    "settled": REQUESTS | {"build_id"},
}
VALUES: dict[str, object] = {
    **dict.fromkeys(
        ("held", "told_priority", "worker_group", "worker_id", "verdict", "verdict_why", "reason", "outcome"), "x"
    ),
    **dict.fromkeys(("request_id", "request_run", "build_id", "after_build", "verdict_results", "cancels"), 1),
    **dict.fromkeys(("taken_until", "reclaim_at", "since"), AT),
    **dict.fromkeys(("asked", "over"), True),
}
PAIRS = (REQUESTS, WORKERS, CLAIMS, {"verdict", "verdict_why"})
# Each phase with no more than it must know.
LEAST = (
    Wanted(),
    Queued(REQUEST),
    Building(REQUEST, BuildId(4), WORKER),
    Reporting(REQUEST, None, WORKER, replace(GOOD, results=None), AT),
    Refused(WORKER, "no such builder"),
    Stopping(None, "cancelled", AT),
    Settled("done"),
)
HANDS = ("lease_owner = 'a', lease_until = now()", "holder = 'a'")


@pytest.fixture
async def connection(opened) -> AsyncIterator[asyncpg.Connection]:
    async with opened.pool.acquire() as connection:
        yield connection


async def refused(connection: asyncpg.Connection, changes: str, *args: object) -> bool:
    """Whether the table refuses this change of its one row."""
    try:
        await connection.execute(f"UPDATE runs SET {changes}", *args)
    except asyncpg.CheckViolationError:
        return True
    return False


def assigned(columns: set[str]) -> tuple[str, list[object]]:
    names = sorted(columns)
    return ", ".join(f"{name} = ${number}" for number, name in enumerate(names, 1)), [VALUES[name] for name in names]


def test_every_column_of_a_phase_is_looked_at() -> None:
    assert set().union(*MUST.values(), *MAY.values()) == set(VALUES)
    assert set(MUST) == set(MAY) == {phase_name(phase) for phase in FULL}


@pytest.mark.parametrize("phase", FULL, ids=phase_name)
async def test_a_phase_cannot_lack_what_it_must_know(store: Runs, connection: asyncpg.Connection, phase: Phase) -> None:
    await store.add(replace(wanted(), phase=phase), "test")
    for column in MUST[phase_name(phase)]:
        alone = next((pair for pair in PAIRS if column in pair), {column})
        assert await refused(connection, f"{column} = NULL"), column
        assert await refused(connection, ", ".join(f"{name} = NULL" for name in alone)), alone


@pytest.mark.parametrize("phase", LEAST, ids=phase_name)
async def test_a_phase_cannot_have_what_it_does_not_know(store: Runs, connection: asyncpg.Connection, phase: Phase) -> None:
    await store.add(replace(wanted(), phase=phase), "test")
    for column in set(VALUES) - MUST[phase_name(phase)] - MAY[phase_name(phase)]:
        alone = next((pair for pair in PAIRS if column in pair), {column})
        changes, args = assigned(alone)
        assert await refused(connection, changes, *args), alone


@pytest.mark.parametrize("phase", LEAST, ids=phase_name)
async def test_a_phase_may_have_the_rest_in_whole(store: Runs, connection: asyncpg.Connection, phase: Phase) -> None:
    await store.add(replace(wanted(), phase=phase), "test")
    changes, args = assigned(MAY[phase_name(phase)])
    assert not await refused(connection, changes, *args)
    for pair in PAIRS:
        if pair <= MAY[phase_name(phase)]:
            assert await refused(connection, f"{min(pair)} = NULL"), pair


@pytest.mark.parametrize("phase", LEAST, ids=phase_name)
async def test_whatever_is_not_settled_is_due_some_time(store: Runs, connection: asyncpg.Connection, phase: Phase) -> None:
    await store.add(replace(wanted(), phase=phase), "test")
    change = "due_at = now()" if isinstance(phase, Settled) else "due_at = NULL"
    assert await refused(connection, change)


@pytest.mark.parametrize("hands", HANDS)
async def test_a_settled_run_is_in_nobodys_hands(store: Runs, connection: asyncpg.Connection, hands: str) -> None:
    await store.add(wanted(), "test")
    assert not await refused(connection, hands)
    await saved(store, replace(wanted(), phase=Settled("done")))
    assert await refused(connection, hands)


async def test_half_a_lease_or_half_the_facts_are_refused(store: Runs, connection: asyncpg.Connection) -> None:
    await store.add(wanted(), "test")
    assert await refused(connection, "lease_owner = 'a'")
    assert await refused(connection, "lease_until = now()")
    assert await refused(connection, "deadline = now()")
    assert await refused(connection, "priority = 'low'")


async def test_a_phase_that_nobody_knows_is_refused(store: Runs, connection: asyncpg.Connection) -> None:
    await store.add(wanted(), "test")
    assert await refused(connection, "phase = 'dreaming'")
    assert await refused(connection, "run_id = -1")


@pytest.mark.parametrize("phase", LEAST, ids=phase_name)
async def test_a_run_with_the_least_it_may_know_survives_too(store: Runs, phase: Phase) -> None:
    run = replace(wanted(), phase=phase, look_at=datetime.max.replace(tzinfo=AT.tzinfo))
    await store.add(run, "test")
    assert (await store.of_task(run.key.task_id)) == {0: run}
