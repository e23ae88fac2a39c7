"""Changes decided on rows in hand: one statement where they are still true, and never a decision on what is not."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import asyncpg
import pytest

from bridge.core import faults
from bridge.core.run import Queued, Run, RunId, Settled
from bridge.store import database
from bridge.store.changing import InHand, Seen
from bridge.store.runs import Runs
from tests.integration.store.rows import AT, REQUEST, TASK, saved, wanted

KEY = wanted().key
ZERO = RunId(0)


@pytest.fixture
def other(opened: database.Database) -> Runs:
    return Runs(opened, "other", ("linux",))


@pytest.fixture
async def leased(store: Runs) -> Runs:
    """The store of a process that has the only row of the task in hand."""
    await store.insert([wanted()])
    await store.lease(KEY, "me")
    return store


class Tries:
    """One more attempt, decided on the rows as they are told; those."""

    def __init__(self) -> None:
        self.told: list[Mapping[RunId, Run]] = []

    def __call__(self, rows: Mapping[RunId, Run]) -> Mapping[RunId, Run]:
        self.told.append(dict(rows))
        return {ZERO: replace(rows[ZERO], attempts=rows[ZERO].attempts + 1)}


@contextmanager
def statements(store: Runs) -> Iterator[list[str]]:
    """What is asked of the server meanwhile, told by the connections themselves."""
    asked: list[str] = []

    def heard(record: asyncpg.connection.LoggedQuery) -> None:
        asked.append(record.query)

    connections = [holder._con for holder in store.database.pool._holders if holder._con is not None]
    for connection in connections:
        connection.add_query_logger(heard)
    yield asked
    for connection in connections:
        connection.remove_query_logger(heard)
    assert store.database.connections()[0] == len(connections), "one was opened that nobody listened to"


async def attempts(store: Runs) -> int:
    return (await store.of_task(TASK))[ZERO].attempts


async def test_a_row_in_hand_is_changed_by_one_statement(leased: Runs) -> None:
    with statements(leased) as asked:
        for _ in range(3):
            await leased.change(TASK, Tries(), because="test")
    assert len(asked) == 3
    assert await attempts(leased) == 3


async def test_a_row_that_is_not_in_hand_is_read_and_changed_without_a_transaction(store: Runs) -> None:
    await store.insert([wanted()])
    with statements(store) as asked:
        await store.change(TASK, Tries(), because="test")
    assert len(asked) == 2
    assert await attempts(store) == 1


async def test_what_another_changed_is_decided_anew(leased: Runs, other: Runs) -> None:
    await saved(other, replace(wanted(), attempts=7))
    tries = Tries()
    await leased.change(TASK, tries, because="test")
    assert [rows[ZERO].attempts for rows in tries.told] == [0, 7]
    assert await attempts(leased) == 8
    with statements(leased) as asked:  # it is in hand again, as it is now
        await leased.change(TASK, Tries(), because="test")
    assert len(asked) == 1


async def test_a_dropped_decision_leaves_no_transition(leased: Runs, other: Runs) -> None:
    await saved(other, replace(wanted(), attempts=7))

    def decide(rows: Mapping[RunId, Run]) -> Mapping[RunId, Run]:
        ends = Settled("on what is no more") if rows[ZERO].attempts == 0 else Queued(REQUEST)
        return {ZERO: replace(rows[ZERO], phase=ends)}

    await leased.change(TASK, decide, because="test")
    steps = await leased.database.fetch("SELECT to_phase FROM transitions ORDER BY id")
    assert [step["to_phase"] for step in steps] == ["wanted", "queued"]


async def test_a_run_that_another_added_is_seen(leased: Runs, other: Runs) -> None:
    """What a run may do depends on the task's later runs."""
    await other.insert([wanted(1)])
    tries = Tries()
    await leased.change(TASK, tries, because="test")
    assert [set(rows) for rows in tries.told] == [{ZERO}, {ZERO, 1}, {ZERO, 1}]
    assert await attempts(leased) == 1


async def test_to_change_nothing_is_decided_on_rows_that_were_read(leased: Runs, other: Runs) -> None:
    """Else a fact would be forgotten that is news for the row as it is."""
    await saved(other, replace(wanted(), attempts=7))

    def decide(rows: Mapping[RunId, Run]) -> Mapping[RunId, Run]:
        return {ZERO: replace(rows[ZERO], attempts=9)} if rows[ZERO].attempts == 7 else {}

    assert await leased.change(TASK, decide, because="test")
    assert await attempts(leased) == 9


async def test_the_same_version_of_another_row_is_not_the_same(leased: Runs, other: Runs) -> None:
    """A failover forgets the last change, and another process makes another one: both are the second version."""
    await leased.change(TASK, Tries(), because="forgotten")
    await leased.database.fetch("UPDATE runs SET version = version - 1, attempts = 0, updated_at = $1", AT)
    await saved(other, replace(wanted(), attempts=7))
    tries = Tries()
    await leased.change(TASK, tries, because="test")
    assert [rows[ZERO].attempts for rows in tries.told] == [1, 7]
    assert await attempts(leased) == 8


async def _until_one_waits(watcher: asyncpg.Connection) -> None:
    """Return when a statement in this database waits for a row."""
    waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    while not await watcher.fetchval(waits):
        await asyncio.sleep(0.01)


@pytest.fixture
async def busy(postgres_dsn: str, leased: Runs) -> AsyncIterator[asyncpg.Connection]:
    """The connection of another process, in a transaction that has changed the row in hand and is not over."""
    connection = await asyncpg.connect(postgres_dsn)
    await connection.execute("BEGIN")
    await connection.execute("UPDATE runs SET version = version + 1, updated_at = clock_timestamp(), attempts = 7")
    yield connection
    await connection.close()


@pytest.fixture
async def watcher(postgres_dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(postgres_dsn)
    yield connection
    await connection.close()


@pytest.mark.parametrize(("ends", "told"), [("COMMIT", [0, 7]), ("ROLLBACK", [0])])
async def test_a_save_waits_for_a_change_on_its_way_and_judges_by_its_outcome(
    leased: Runs, busy: asyncpg.Connection, watcher: asyncpg.Connection, ends: str, told: list[int]
) -> None:
    tries = Tries()
    change = asyncio.create_task(leased.change(TASK, tries, because="test"))
    await _until_one_waits(watcher)
    await busy.execute(ends)
    await change
    assert [rows[ZERO].attempts for rows in tries.told] == told
    assert await attempts(leased) == told[-1] + 1


async def test_to_change_nothing_is_decided_when_no_change_is_on_its_way(
    leased: Runs, busy: asyncpg.Connection, watcher: asyncpg.Connection
) -> None:
    told: list[int] = []

    def decide(rows: Mapping[RunId, Run]) -> Mapping[RunId, Run]:
        told.append(rows[ZERO].attempts)
        return {}

    change = asyncio.create_task(leased.change(TASK, decide, because="test"))
    await _until_one_waits(watcher)
    await busy.execute("COMMIT")
    assert await change == {}
    assert told == [0, 7]


async def test_a_server_that_only_reads_is_not_believed_that_nothing_is_to_be_changed(
    leased: Runs, watcher: asyncpg.Connection
) -> None:
    """It may be the one that was before a failover, and its rows long changed elsewhere."""
    database_name = await watcher.fetchval("SELECT current_database()")
    await watcher.execute(f"ALTER DATABASE {database_name} SET default_transaction_read_only = on")
    try:
        await leased.database.pool.expire_connections()
        with pytest.raises(faults.Unavailable):
            await leased.change(TASK, lambda _: {}, because="test")
    finally:
        await watcher.execute(f"ALTER DATABASE {database_name} RESET default_transaction_read_only")


async def test_a_row_that_is_gone_is_not_made_again(leased: Runs) -> None:
    await leased.database.fetch("DELETE FROM runs")
    told: list[Mapping[RunId, Run]] = []

    def decide(rows: Mapping[RunId, Run]) -> Mapping[RunId, Run]:
        told.append(dict(rows))
        return {ZERO: replace(rows[ZERO], attempts=1)} if ZERO in rows else {}

    assert await leased.change(TASK, decide, because="test") == {}
    assert [set(rows) for rows in told] == [{ZERO}, set()]
    assert await leased.of_task(TASK) == {}


async def test_a_lease_that_was_settled_with_its_row_is_not_given_back_again(leased: Runs) -> None:
    await saved(leased, replace(wanted(), phase=Settled("done")))
    with statements(leased) as asked:
        await leased.release([KEY], "me")
    assert asked == []
    owners = await leased.database.fetch("SELECT lease_owner FROM runs")
    assert [row["lease_owner"] for row in owners] == [None]


async def test_a_lease_of_a_row_that_goes_on_is_given_back(leased: Runs, other: Runs) -> None:
    await leased.change(TASK, Tries(), because="test")
    await leased.release([KEY], "me")
    assert await other.lease(KEY, "other") is not None


async def test_rows_found_due_are_in_hand(store: Runs) -> None:
    await store.insert([wanted()])
    assert await store.due("me", limit=1, foreign=True)
    with statements(store) as asked:
        await store.change(TASK, Tries(), because="test")
    assert len(asked) == 1


def test_a_hand_holds_so_many_rows_and_no_more() -> None:
    hand = InHand(most=2)
    for task in ("a", "b", "c"):
        hand.keep(Seen(wanted(task=task), 1, AT))
    assert [hand.find(task) is not None for task in ("a", "b", "c")] == [False, True, True]  # type: ignore[arg-type]
