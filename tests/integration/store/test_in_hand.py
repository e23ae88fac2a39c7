"""Changes decided on rows in hand: one statement where they are still true, and never a decision on what is not."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import pytest

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
    kept = list(store.database.pool._holders)
    connections = [holder._con for holder in kept if holder._con is not None]
    for connection in connections:
        connection.add_query_logger(lambda record: asked.append(record.query))
    yield asked


async def attempts(store: Runs) -> int:
    return (await store.of_task(TASK))[ZERO].attempts


async def test_a_row_in_hand_is_changed_by_one_statement(leased: Runs) -> None:
    with statements(leased) as asked:
        for _ in range(3):
            await leased.change(TASK, Tries(), because="test")
    assert len(asked) == 3
    assert await attempts(leased) == 3


async def test_a_row_that_is_not_in_hand_is_read_and_changed_without_a_lock(store: Runs) -> None:
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
