"""Rows against a real PostgreSQL: what is saved is what was, and only one process acts for a run."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.core.debts import due_at
from bridge.core.run import (
    BuildId,
    Building,
    Claim,
    Facts,
    Phase,
    Queued,
    Refused,
    Reporting,
    Request,
    RequestId,
    Run,
    RunId,
    RunKey,
    Settled,
    Stopping,
    Wanted,
    Worker,
)
from bridge.core.verdict import Resolution, Verdict
from bridge.store.runs import Runs
from tests.integration.store.rows import AT, CLAIM, FACTS, FAR, GOOD, REQUEST, TASK, WORKER, saved, wanted

moments = st.datetimes(timezones=st.just(UTC), min_value=datetime(2020, 1, 1), max_value=datetime(2100, 1, 1))  # noqa: DTZ001
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=50)
ids = st.integers(0, 2**63 - 1)
workers = st.builds(Worker, texts, texts)
claims = st.builds(Claim, moments, moments)
requests = st.builds(Request, ids.map(RequestId), st.integers(0, 49).map(RunId))
builds = ids.map(BuildId)
verdicts = st.builds(Verdict, st.sampled_from(Resolution), texts, st.none() | st.integers(-1, 99))
maybe = st.none


def either(strategy: st.SearchStrategy) -> st.SearchStrategy:
    return maybe() | strategy


phases = st.one_of(
    st.builds(Wanted, either(texts), st.booleans()),
    st.builds(Queued, requests, either(workers), either(claims), either(builds), either(texts)),
    st.builds(Building, requests, builds, workers, either(claims)),
    st.builds(Reporting, requests, either(builds), workers, verdicts, moments, either(claims)),
    st.builds(Refused, workers, texts, either(claims)),
    st.builds(
        Stopping, either(requests), texts, moments, either(builds), either(workers), st.integers(0, 99), st.booleans()
    ),
    st.builds(Settled, texts, either(requests), either(builds)),
)
facts = st.builds(Facts, texts, texts, texts, texts, moments, moments, moments)
runs = st.builds(
    Run,
    st.just(RunKey(TASK, RunId(0))),
    st.just("linux"),
    phases,
    moments,
    moments,
    either(facts),
    either(texts),
    st.integers(0, 1000),
    either(moments),
    st.integers(0, 1000),
    either(moments),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(run=runs)
async def test_every_phase_survives_save_and_load(store: Runs, run: Run) -> None:
    await store.database.fetch("DELETE FROM runs")
    assert await store.add(run, "test")
    assert (await store.of_task(TASK))[RunId(0)] == run
    due = await store.database.value("SELECT due_at FROM runs")
    assert due == due_at(run)


async def test_insert_adds_each_run_once(store: Runs) -> None:
    both = [wanted(0), wanted(1)]
    assert await store.insert(both[:1]) == [both[0].key]
    assert await store.insert(both) == [both[1].key]
    assert (await store.of_task(TASK)) == {0: both[0], 1: both[1]}


async def test_changes_of_phase_are_written_down_and_others_are_not(store: Runs) -> None:
    await store.insert([wanted()])
    await saved(store, replace(wanted(), attempts=3))
    await saved(store, replace(wanted(), phase=Settled("done")))
    steps = await store.database.fetch("SELECT from_phase, to_phase, because, who FROM transitions ORDER BY id")
    assert [tuple(step) for step in steps] == [
        (None, "wanted", "the run is pending in Taskcluster", "me"),
        ("wanted", "settled", "test", "me"),
    ]


async def test_concurrent_changes_all_count(store: Runs) -> None:
    await store.insert([wanted()])

    async def add_one() -> None:
        await store.change(
            TASK, lambda rows: {RunId(0): replace(rows[RunId(0)], attempts=rows[RunId(0)].attempts + 1)}, because="test"
        )

    await asyncio.gather(*(add_one() for _ in range(20)))
    assert (await store.of_task(TASK))[RunId(0)].attempts == 20


async def test_the_first_row_of_a_task_is_made_once_by_many(store: Runs) -> None:
    added = await asyncio.gather(*(store.add(wanted(), "test") for _ in range(10)))
    assert sorted(added) == [False] * 9 + [True]


async def test_one_lease_at_a_time(store: Runs) -> None:
    await store.insert([wanted()])
    key = wanted().key
    assert await store.lease(key, "a") == wanted()
    assert await store.lease(key, "b") is None
    assert await store.lease(key, "a") == wanted()
    await store.release([key], "b")
    assert await store.lease(key, "b") is None
    await store.release([key], "a")
    assert await store.lease(key, "b") == wanted()


async def test_a_lease_runs_out(store: Runs) -> None:
    await store.insert([wanted()])
    await store.lease(wanted().key, "a")
    await store.database.fetch("UPDATE runs SET lease_until = now() - interval '1 second'")
    assert await store.lease(wanted().key, "b") is not None


async def test_a_settled_run_is_leased_by_nobody(store: Runs) -> None:
    await store.add(replace(wanted(), phase=Settled("done")), "test")
    assert await store.lease(wanted().key, "a") is None


async def test_the_holder_of_the_credentials_goes_first_until_it_is_late(store: Runs) -> None:
    now: datetime = await store.database.value("SELECT now()")
    await store.add(wanted(due=now - timedelta(seconds=5)), "test")
    await saved(store, wanted(due=now - timedelta(seconds=5)), holder="a")
    assert await store.due("b", limit=9, foreign=True) == []
    assert await store.lease(wanted().key, "b") is None
    assert [run.key for run in await store.due("a", limit=9, foreign=False)] == [wanted().key]
    await store.release([wanted().key], "a")
    await saved(store, wanted(due=now - timedelta(seconds=20)))
    assert [run.key for run in await store.due("b", limit=9, foreign=True)] == [wanted().key]


async def test_due_rows_come_earliest_expiry_first_and_are_leased(store: Runs) -> None:
    def claimed(number: int, until: datetime) -> Run:
        phase = Building(Request(RequestId(number + 1), RunId(0)), BuildId(1), Worker("g", "w"), Claim(until, AT))
        return replace(wanted(task=f"{number:022}", due=AT), phase=phase)

    expiries = [AT + timedelta(minutes=minutes) for minutes in (30, 10, 20)]
    for number, until in enumerate(expiries):
        await store.add(claimed(number, until), "test")
    await store.add(wanted(task="9" * 22), "test")
    first = await store.due("a", limit=2, foreign=True)
    assert [int(run.key.task_id) for run in first] == [1, 2]
    rest = await store.due("b", limit=9, foreign=True)
    assert [run.key.task_id for run in rest] == [f"{0:022}", "9" * 22]


async def test_claims_with_time_left_do_not_keep_others_from_their_turn(store: Runs) -> None:
    now = datetime.now(UTC)

    def claimed(number: int, minutes: int) -> Run:
        claim = Claim(now + timedelta(minutes=minutes), AT)
        phase = Building(Request(RequestId(number + 1), RunId(0)), BuildId(1), Worker("g", "w"), claim)
        return replace(wanted(task=f"{number:022}", due=now - timedelta(seconds=30)), phase=phase)

    for number, minutes in enumerate((15, 5, 3)):
        await store.add(claimed(number, minutes), "test")
    await store.add(wanted(task="9" * 22, due=AT - timedelta(days=1)), "test")
    order = [int(run.key.task_id[:1] + run.key.task_id[-1:]) for run in await store.due("a", limit=9, foreign=True)]
    assert order == [2, 1, 99, 0]


async def test_runs_of_other_pools_are_left_alone(store: Runs) -> None:
    await store.add(replace(wanted(), pool="windows"), "test")
    assert await store.due("a", limit=9, foreign=True) == []


async def test_nothing_is_due_before_its_time(store: Runs) -> None:
    await store.add(wanted(due=FAR), "test")
    assert await store.due("a", limit=9, foreign=True) == []


async def test_pages_of_unsettled_rows_hold_each_once(store: Runs) -> None:
    rows = [wanted(number, task) for task in ("A" * 22, "B" * 22, "C" * 22) for number in (0, 1)]
    await store.insert(rows)
    await saved(store, replace(rows[0], phase=Settled("done")))
    found = [run async for page in store.unsettled(page=2) for run in page]
    assert found == rows[1:]


async def test_a_row_of_a_newer_version_is_left_to_it(store: Runs) -> None:
    await store.insert([wanted(0), wanted(1)])
    await store.database.fetch("ALTER TABLE runs DROP CONSTRAINT phase_known, DROP CONSTRAINT wanted_by_phase")
    await store.database.fetch("UPDATE runs SET phase = 'pondering' WHERE run_id = 0")
    assert [run.key.run_id for run in await store.due("a", limit=9, foreign=True)] == [1]
    assert await store.lease(wanted(0).key, "a") is None
    assert await store.database.value("SELECT lease_owner FROM runs WHERE run_id = 0") is None
    assert list(await store.of_task(TASK)) == [1]
    assert [[run.key.run_id for run in page] async for page in store.unsettled()] == [[1]]


async def test_a_verdict_of_a_newer_version_spoils_only_its_own_row(store: Runs) -> None:
    phase = Reporting(REQUEST, BuildId(4), WORKER, GOOD, AT, CLAIM)
    await store.add(replace(wanted(0, due=AT), phase=phase), "test")
    await store.insert([wanted(1, due=AT)])
    await store.database.fetch("UPDATE runs SET verdict = 'pondered' WHERE run_id = 0")
    assert [run.key.run_id for run in await store.due("a", limit=9, foreign=True)] == [1]
    assert await store.lease(wanted(0).key, "a") is None
    assert list(await store.of_task(TASK)) == [1]


async def test_old_settled_rows_are_retired_with_their_history(store: Runs) -> None:
    past = replace(FACTS, deadline=datetime(2020, 1, 1, tzinfo=UTC))
    await store.add(replace(wanted(0), phase=Settled("done"), facts=past), "test")
    await store.add(replace(wanted(1), facts=past), "test")
    await store.add(replace(wanted(2), phase=Settled("done"), facts=replace(FACTS, deadline=FAR)), "test")
    assert await store.retire(timedelta(days=30)) == 1
    assert list(await store.of_task(TASK)) == [1, 2]
    assert await store.database.value("SELECT count(*) FROM transitions") == 2


async def test_a_settled_row_without_a_known_deadline_is_retired_by_its_last_change(store: Runs) -> None:
    await store.add(replace(wanted(0), phase=Settled("Taskcluster does not know the task")), "test")
    assert await store.retire(timedelta(days=30)) == 0
    await store.database.fetch("UPDATE runs SET updated_at = now() - interval '31 days'")
    assert await store.retire(timedelta(days=30)) == 1


async def test_old_rows_are_retired_in_batches(store: Runs) -> None:
    past = replace(FACTS, deadline=datetime(2020, 1, 1, tzinfo=UTC))
    for number in range(5):
        await store.add(replace(wanted(number), phase=Settled("done"), facts=past), "test")
    assert [await store.retire(timedelta(days=30), limit=2) for _ in range(4)] == [2, 2, 1, 0]


TALKATIVE: dict[str, Callable[[str], Phase]] = {
    "held": Wanted,
    "reason": lambda text: Refused(WORKER, text),
    "because": lambda text: Stopping(REQUEST, text, AT),
    "outcome": Settled,
    "verdict": lambda text: Reporting(REQUEST, None, WORKER, replace(GOOD, why=text), AT),
}


@pytest.mark.parametrize(("odd", "kept"), [("a\0b", "a\ufffdb"), ("a\ud800b", "a?b"), ("\udfff", "?"), ("\0", "\ufffd")])
@pytest.mark.parametrize("phase", TALKATIVE.values(), ids=TALKATIVE)
async def test_texts_that_no_database_can_hold_do_not_hold_up_a_run(
    store: Runs, odd: str, kept: str, phase: Callable[[str], Phase]
) -> None:
    assert await store.add(replace(wanted(), phase=phase(odd)), odd)
    assert await store.of_task(TASK) == {0: replace(wanted(), phase=phase(kept))}
    assert await store.database.value("SELECT because FROM transitions") == kept


async def test_nothing_decided_is_nothing_written(store: Runs) -> None:
    await store.insert([wanted()])
    before = await store.database.fetch("SELECT xmin, version, updated_at FROM runs")
    assert await store.change(TASK, lambda _: {}, because="test") == {}
    assert [row["version"] for row in await store.database.fetch("SELECT version FROM runs")] == [before[0]["version"]]
    assert await store.database.fetch("SELECT xmin, version, updated_at FROM runs") == before


async def test_several_rows_of_a_task_change_together_or_not_at_all(store: Runs) -> None:
    """A hand-over: the request leaves one row and comes to a new one."""
    first = replace(wanted(0), phase=Queued(REQUEST))
    await store.add(first, "test")
    heir = replace(wanted(1), phase=Queued(REQUEST))
    after: dict[RunId, Run] = {RunId(0): replace(first, phase=Settled("handed over", REQUEST)), RunId(1): heir}
    assert await store.change(TASK, lambda _: after, because="retried") == after
    assert await store.of_task(TASK) == after
    steps = await store.database.fetch("SELECT run_id, from_phase, to_phase FROM transitions ORDER BY id OFFSET 1")
    assert sorted(map(tuple, steps)) == [(0, "queued", "settled"), (1, None, "queued")]

    illegal = {RunId(0): replace(first, phase=Settled("again")), RunId(2): replace(wanted(2), attempts=2**40)}
    with pytest.raises(asyncpg.PostgresError):
        await store.change(TASK, lambda _: illegal, because="test")
    assert await store.of_task(TASK) == after
    assert await store.database.value("SELECT count(*) FROM transitions") == 3


async def test_a_decision_that_fails_changes_nothing_and_frees_the_rows(store: Runs) -> None:
    await store.insert([wanted()])

    def fails(_: Mapping[RunId, Run]) -> Mapping[RunId, Run]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store.change(TASK, fails, because="test")
    await saved(store, replace(wanted(), attempts=1))
    assert (await store.of_task(TASK))[RunId(0)].attempts == 1


async def test_a_row_that_another_writer_changed_meanwhile_is_read_again(store: Runs) -> None:
    """As on an old primary, where the lock on the row says nothing: only the version tells."""
    await store.insert([wanted()])
    await store.database.fetch(
        "CREATE FUNCTION interfere() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        "  IF NEW.attempts = 1 AND OLD.version = 1 THEN RETURN NULL; END IF; RETURN NEW; END $$"
    )
    await store.database.fetch("CREATE TRIGGER interfere BEFORE UPDATE ON runs FOR EACH ROW EXECUTE FUNCTION interfere()")
    tries: list[int] = []

    def decide(rows: Mapping[RunId, Run]) -> Mapping[RunId, Run]:
        tries.append(len(tries))
        return {RunId(0): replace(rows[RunId(0)], attempts=1 + len(tries) // 3)}

    await store.change(TASK, decide, because="test")
    assert len(tries) == 3
    assert (await store.of_task(TASK))[RunId(0)].attempts == 2
    assert await store.database.value("SELECT count(*) FROM transitions") == 1


async def test_what_a_settled_run_held_is_given_back(store: Runs) -> None:
    await store.insert([wanted()])
    await store.lease(wanted().key, "a")
    await saved(store, wanted(), holder="a")
    assert await store.database.value("SELECT holder || lease_owner FROM runs") == "aa"
    await saved(store, replace(wanted(), phase=Settled("done")), holder="a")
    assert await store.database.value("SELECT num_nonnulls(holder, lease_owner, lease_until) FROM runs") == 0


async def test_a_lease_survives_changes(store: Runs) -> None:
    await store.insert([wanted()])
    await store.lease(wanted().key, "a")
    await saved(store, replace(wanted(), phase=Queued(REQUEST)))
    assert await store.lease(wanted().key, "b") is None


async def test_many_want_one_lease_and_one_has_it(store: Runs) -> None:
    await store.insert([wanted()])
    leased = await asyncio.gather(*(store.lease(wanted().key, f"process {n}") for n in range(20)))
    assert len([run for run in leased if run]) == 1


async def test_due_rows_are_shared_out_without_overlap(store: Runs) -> None:
    rows = [wanted(task=f"{number:022}") for number in range(200)]
    await store.insert(rows)
    shares = await asyncio.gather(*(store.due(f"process {n}", limit=30, foreign=True) for n in range(8)))
    keys = [run.key for share in shares for run in share]
    assert len(keys) == len(set(keys))
    assert all(len(share) <= 30 for share in shares)
    rest = await store.due("last", limit=200, foreign=True)
    assert sorted(keys + [run.key for run in rest]) == sorted(run.key for run in rows)


async def test_due_rows_that_are_being_changed_are_skipped_not_waited_for(store: Runs) -> None:
    await store.insert([wanted(0), wanted(0, "B" * 22)])
    async with store.database.transaction() as other:
        await other.execute("SELECT FROM runs WHERE task_id = $1 FOR UPDATE", TASK)
        async with asyncio.timeout(5):
            found = await store.due("a", limit=9, foreign=True)
    assert [run.key.task_id for run in found] == ["B" * 22]


async def test_a_lease_is_thirty_seconds_by_the_clock_of_the_database(store: Runs) -> None:
    await store.insert([wanted()])
    await store.lease(wanted().key, "a")
    left = await store.database.value("SELECT lease_until - now() FROM runs")
    assert timedelta(seconds=25) < left <= timedelta(seconds=30)


async def test_a_run_of_another_pool_is_not_leased(store: Runs) -> None:
    await store.add(replace(wanted(), pool="windows"), "test")
    assert await store.lease(wanted().key, "a") is None


async def test_only_what_a_process_holds_is_its_own(store: Runs) -> None:
    await store.insert([wanted(0), wanted(1), wanted(2)])
    await saved(store, replace(wanted(1), attempts=1), holder="a")
    await saved(store, replace(wanted(2), attempts=1), holder="b")
    assert [run.key.run_id for run in await store.due("a", limit=9, foreign=False)] == [1]


async def test_who_ends_in_good_order_leaves_all_to_the_others_at_once(store: Runs) -> None:
    now: datetime = await store.database.value("SELECT now()")
    due = now - timedelta(seconds=1)
    await store.insert([wanted(number, due=due) for number in range(4)])
    await saved(store, replace(wanted(0, due=due), attempts=1), holder="a")
    await saved(store, replace(wanted(1, due=due), attempts=1), holder="a")
    await saved(store, replace(wanted(2, due=due), attempts=1), holder="b")
    for number in (1, 2, 3):
        await store.lease(wanted(number).key, "b" if number == 2 else "a")
    await store.database.fetch("UPDATE runs SET lease_owner = 'd', lease_until = now() + '1 min' WHERE run_id = 0")
    assert await store.due("c", limit=9, foreign=True) == []
    await store.abandon("a")
    assert [run.key.run_id for run in await store.due("c", limit=9, foreign=True)] == [1, 3]
    assert await store.database.value("SELECT lease_owner FROM runs WHERE run_id = 0") == "d"
    assert await store.database.value("SELECT holder FROM runs WHERE run_id = 2") == "b"


async def test_holders_of_requests_are_found_by_pool_while_unsettled(store: Runs) -> None:
    def queued(number: int, request: int, pool: str) -> Run:
        return replace(wanted(number), phase=Queued(Request(RequestId(request), RunId(number))), pool=pool)

    rows = [queued(0, 5, "linux"), queued(1, 6, "linux"), queued(2, 5, "windows")]
    for run in rows:
        await store.add(run, "test")
    await store.add(replace(wanted(3), phase=Settled("done", Request(RequestId(5), RunId(3)))), "test")
    assert await store.of_requests([RequestId(5), RequestId(9)], pools=["linux"]) == rows[:1]
    assert await store.of_requests([], pools=["linux"]) == []


async def test_nothing_is_inserted_for_nothing_and_nothing_released(store: Runs) -> None:
    assert await store.insert([]) == []
    await store.release([], "a")


async def test_the_same_run_twice_in_one_batch_is_one_row(store: Runs) -> None:
    assert await store.insert([wanted(), wanted()]) == [wanted().key]


async def test_batches_that_overlap_crosswise_all_arrive(store: Runs) -> None:
    rows = [wanted(task=f"{number:022}") for number in range(300)]
    new = await asyncio.gather(
        store.insert(rows), store.insert(rows[::-1]), store.insert(rows[100:]), store.insert(rows[:200])
    )
    assert sorted(key for keys in new for key in keys) == sorted(run.key for run in rows)
