"""What people ask about many runs: pages that are stable while runs come and go, and bounded whatever is asked."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from bridge.core.ledger import Change, Entry, Found, Place, Selection, Swept
from bridge.core.run import BuildId, Building, Claim, Phase, Queued, Request, RequestId, Settled, Wanted
from bridge.status.changes import SETTLED_FOR, released
from bridge.store.overview import Overview
from bridge.store.people import Margins, People
from bridge.store.replicas import Replica
from bridge.store.runs import Runs
from bridge.stuck import Circumstances, findings
from tests.integration.store.rows import AT, CLAIM, FACTS, FAR, FULL, REQUEST, TASK, WORKER, saved, wanted
from tests.integration.store.test_replicas import ONE
from tests.unit.stuck.test_diagnosis import NOW, STUCK


@pytest.fixture
def overview(store: Runs) -> Overview:
    return Overview(store.database)


SHIFTED = """
UPDATE runs SET created_at = $2::timestamptz + $1::interval, look_at = look_at + $1::interval, not_before = not_before + $1::interval,
    due_at = due_at + $1::interval, scheduled = scheduled + $1::interval, deadline = deadline + $1::interval,
    expires = expires + $1::interval, taken_until = taken_until + $1::interval, reclaim_at = reclaim_at + $1::interval,
    since = since + $1::interval, missing_since = missing_since + $1::interval, absent_since = absent_since + $1::interval
"""
"""All times of a row, moved to where they stand to the database's time as they stood to the sample's."""


def keys(found: Found | Sequence[Entry]) -> list[int]:
    entries = found.entries if isinstance(found, Found) else found
    return [entry.run.key.run_id for entry in entries]


async def filled(store: Runs, *phases: Phase, **changes: object) -> None:
    """A run in each phase, numbered, the first one the oldest: a second apart."""
    for number, phase in enumerate(phases):
        await store.add(replace(wanted(number), phase=phase, **changes), "test")
    await store.database.fetch("UPDATE runs SET created_at = $1::timestamptz + run_id * interval '1 s'", AT)


async def pages(overview: Overview, which: Selection, limit: int) -> list[int]:
    """All pages of a list, one after the other."""
    found, after = list[int](), None
    for _ in range(1000):
        page = await overview.runs(which, after, limit)
        assert len(page.entries) <= limit
        found += keys(page)
        after = page.more
        if after is None:
            return found
    raise AssertionError("the pages do not end")


async def test_runs_are_listed_newest_first_whatever_their_phase(store: Runs, overview: Overview) -> None:
    await filled(store, *FULL)
    assert keys(await overview.runs(Selection(), None, 100)) == [6, 5, 4, 3, 2, 1, 0]
    assert await pages(overview, Selection(), 2) == [6, 5, 4, 3, 2, 1, 0]


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        (Selection(settled=True), [6]),
        (Selection(settled=False), [5, 4, 3, 2, 1, 0]),
        (Selection(phases=("queued", "settled")), [6, 1]),
        (Selection(settled=False, phases=("queued", "settled")), [1]),
        (Selection(pools=("linux",)), [6, 5, 4, 3, 2, 1, 0]),
        (Selection(pools=("windows",)), []),
        (Selection(request_id=7), [6, 5, 3, 2, 1]),
        (Selection(request_id=7, settled=True), [6]),
        (Selection(build_id=4), [6, 5, 3, 2]),
        (Selection(build_id=4, phases=("building",)), [2]),
        (Selection(task_id=TASK), [6, 5, 4, 3, 2, 1, 0]),
        (Selection(task_id="B" * 22), []),
        (Selection(task_id=TASK, request_id=7, build_id=4, settled=False), [5, 3, 2]),
        (Selection(task_group_id="group"), [6, 5, 4, 3, 2, 1, 0]),
        (Selection(task_group_id="group", task_id=TASK, phases=("wanted",)), [0]),
        (Selection(task_group_id="another", task_id=TASK), []),
        (Selection(builder="linux64-opt"), [6, 5, 4, 3, 2, 1, 0]),
        (Selection(builder="linux64-*"), [6, 5, 4, 3, 2, 1, 0]),
        (Selection(builder="linux64"), []),
        (Selection(builder="linux_4-*"), []),
        (Selection(builder="%"), []),
        (Selection(builder="*"), [6, 5, 4, 3, 2, 1, 0]),
        (Selection(before=AT + timedelta(seconds=2)), [1, 0]),
        (Selection(since=AT + timedelta(seconds=5)), [6, 5]),
        (Selection(since=AT + timedelta(seconds=2), before=AT + timedelta(seconds=4)), [3, 2]),
    ],
    ids=str,
)
async def test_what_is_asked_for_is_found_on_one_page_and_on_many(
    store: Runs, overview: Overview, which: Selection, expected: list[int]
) -> None:
    await filled(store, *FULL, builder="linux64-opt", facts=FACTS)
    assert keys(await overview.runs(which, None, 100)) == expected
    assert await pages(overview, which, 1) == expected


async def test_a_builders_name_is_no_pattern_of_the_databases(store: Runs, overview: Overview) -> None:
    for number, name in enumerate(["a_b", "axb", "a%b", "a\\b", "a*b"]):
        await store.add(replace(wanted(number), builder=name), "test")
    for number, name in enumerate(["a_b", "axb", "a%b", "a\\b"]):
        assert keys(await overview.runs(Selection(builder=name), None, 9)) == [number]


async def test_runs_that_come_meanwhile_neither_double_nor_hide_those_that_were_there(
    store: Runs, overview: Overview
) -> None:
    await filled(store, *[Wanted()] * 10)
    first = await overview.runs(Selection(), None, 4)
    await store.insert([wanted(number, "B" * 22, FAR) for number in range(20, 25)])
    await saved(store, replace(wanted(5), phase=Settled("done")))
    second = await overview.runs(Selection(), first.more, 4)
    third = await overview.runs(Selection(), second.more, 4)
    assert keys(first) + keys(second) + keys(third) == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]
    assert third.more is None


async def test_runs_of_one_moment_are_told_apart(store: Runs, overview: Overview) -> None:
    await store.insert([wanted(number) for number in range(7)])
    assert await pages(overview, Selection(), 3) == [6, 5, 4, 3, 2, 1, 0]


async def test_however_rare_what_is_asked_for_a_look_is_bounded_and_goes_on_where_it_ended(store: Runs) -> None:
    rows = [Queued(REQUEST) if number % 10 == 3 else Wanted() for number in range(40)]
    await filled(store, *rows)
    small = Overview(store.database, looked_at=5)
    which = Selection(phases=("queued",))
    first = await small.runs(which, None, 10)
    assert keys(first) == []
    assert first.more == Place(AT + timedelta(seconds=35), TASK, 35)
    assert await pages(small, which, 10) == [33, 23, 13, 3]
    assert await pages(small, Selection(), 10) == list(range(39, -1, -1))
    exact = await Overview(store.database, looked_at=40).runs(which, None, 10)
    assert keys(exact) == [33, 23, 13, 3]


async def test_a_bounded_look_over_open_and_settled_runs_leaves_none_out(store: Runs) -> None:
    """The newest are open, older ones settled, the oldest open again: each way in has rows beyond the other's bound."""
    phases = [Queued(REQUEST)] * 9 + [Settled("done")] * 9 + [Wanted()] * 9
    await filled(store, *phases, builder="linux")
    for looked_at in (2, 3, 5, 8, 26, 27, 28):
        small = Overview(store.database, looked_at)
        assert await pages(small, Selection(), 100) == list(range(26, -1, -1)), looked_at
        assert await pages(small, Selection(phases=("queued", "settled")), 4) == list(range(17, -1, -1)), looked_at


async def test_rows_of_a_newer_version_are_counted_and_left_out(store: Runs, overview: Overview) -> None:
    await filled(store, Wanted(), Queued(REQUEST))
    await store.database.fetch("ALTER TABLE runs DROP CONSTRAINT phase_known")
    await store.database.fetch("UPDATE runs SET phase = 'paused' WHERE run_id = 1")
    found = await overview.runs(Selection(), None, 10)
    assert (keys(found), found.newer) == ([0], 1)
    assert keys(await overview.entries(TASK)) == [0]


@pytest.mark.parametrize(("_cause", "of", "_expected"), STUCK, ids=[cause for cause, *_ in STUCK])
async def test_whatever_is_stuck_is_among_the_suspects(
    store: Runs, overview: Overview, _cause: str, of: Entry, _expected: list[str]
) -> None:
    """The database's suspects are few, and none that the diagnosis would find is left out."""
    await store.add(of.run, "test")
    now = await store.database.value("SELECT now()")
    await store.database.fetch(SHIFTED, now - NOW, of.created_at)
    page = await overview.runs(Selection(suspects=True, served=("linux",)), None, 10)
    found = findings(page.entries[0], Circumstances(now, {"linux"}))
    assert [finding.cause.name for finding in found] == _expected


async def test_a_run_that_goes_on_as_it_should_is_no_suspect(store: Runs, overview: Overview) -> None:
    await store.add(replace(wanted(0, due=FAR)), "test")
    fresh = Claim(FAR, FAR)
    await store.add(replace(wanted(1, due=FAR), phase=Building(REQUEST, BuildId(4), WORKER, fresh)), "test")
    assert keys(await overview.runs(Selection(suspects=True, served=("linux",)), None, 10)) == []
    assert keys(await overview.runs(Selection(suspects=True, served=()), None, 10)) == [1, 0]


async def test_leases_are_taken_and_given_back_without_a_new_entry_in_any_index(store: Runs) -> None:
    """They are the writes that every debt costs: HOT, as PostgreSQL calls it, with the indexes for people as without."""
    full = replace(wanted(1, due=AT), phase=Building(REQUEST, BuildId(4), WORKER, CLAIM), facts=FACTS, builder="b")
    await store.add(full, "test")
    await store.insert([wanted(0, due=AT)])
    all_of_them, hot = await leased_and_released(store)
    assert hot == all_of_them
    await store.database.fetch("CREATE INDEX runs_lease ON runs (lease_until)")
    more, hot_of_them = await leased_and_released(store, all_of_them)
    assert hot_of_them - hot < more - all_of_them, "an index on what a lease writes would be noticed"


async def leased_and_released(store: Runs, before: int = 0) -> tuple[int, int]:
    """Eighty updates of two rows; how many updates of the table there were by then, and how many of them were HOT."""
    for _ in range(20):
        for run in await store.due("me", limit=10, foreign=True):
            await store.release([run.key], "me")
    counted = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'runs'"
    async with asyncio.timeout(20):
        while True:
            await store.database.fetch("SELECT pg_stat_force_next_flush()")
            (row,) = await store.database.fetch(counted)
            if row["n_tup_upd"] >= before + 80:
                return row["n_tup_upd"], row["n_tup_hot_upd"]
            await asyncio.sleep(0.1)


async def test_the_oldest_of_each_kind_are_told(store: Runs, overview: Overview) -> None:
    assert await overview.oldest() == await overview.oldest()
    assert (await overview.oldest()).due is None
    await filled(store, Wanted(), Building(REQUEST, BuildId(4), WORKER, CLAIM), Wanted(), Settled("done"))
    oldest = await overview.oldest()
    assert (oldest.due, oldest.first_claim_ends, oldest.wanted) == (AT, CLAIM.taken_until, AT)


async def test_who_serves_is_told_with_whether_they_live(store: Runs, overview: Overview) -> None:
    await ONE.register(store.database)
    now = await store.database.value("SELECT now()")
    (server,) = await overview.servers(now)
    assert (server.name, server.pools, server.alive) == ("reflector-1", ("linux",), True)
    (later,) = await overview.servers(now + timedelta(minutes=3))
    assert not later.alive


async def test_sweeps_are_remembered_by_process_the_last_of_each(store: Runs, overview: Overview) -> None:
    people, now = People(store.database), await store.database.value("SELECT now()")
    first = Swept("pending", "reflector-1", now, now, 3, None)
    again = replace(first, found=0, fault="HTTP 503 \0 \ud800")
    other = replace(first, replica="reflector-2")
    gone = replace(first, name="retire", replica="reflector-0", ended_at=now - timedelta(days=2))
    for swept in (gone, first, other, again):
        await people.swept(swept)
    assert await overview.sweeps() == [replace(again, fault="HTTP 503 \ufffd ?"), other]


async def test_unreadable_messages_are_paged_and_cut(store: Runs, overview: Overview) -> None:
    for number in range(5):
        await People(store.database).bury("exchange/x", f"key.{number}", "not JSON", b"\x00<script>" + bytes(1000))
    first = await overview.letters(None, 3, 8)
    second = await overview.letters(first[-1].number, 3, 8)
    assert [letter.routing_key for letter in [*first, *second]] == [f"key.{n}" for n in (4, 3, 2, 1, 0)]
    assert (first[0].beginning, first[0].size, len(first[0].sha256)) == (b"\x00<script", 1009, 64)


async def test_the_history_tells_waits_and_ends_and_margins_by_step(store: Runs, overview: Overview) -> None:
    now = await store.database.value("SELECT now()")
    await filled(store, Wanted(), Wanted(), Wanted())
    await store.database.fetch("UPDATE runs SET created_at = now() - interval '100 s'")
    for number in range(2):
        await saved(store, replace(wanted(number), phase=Building(REQUEST, BuildId(4), WORKER, CLAIM)))
    ends = ["completed", "handed over to run 9", "resolved as canceled; its request is lost"]
    for number, outcome in enumerate(ends):
        await saved(store, replace(wanted(number), phase=Settled(outcome)))
    await People(store.database).sample(3, 1, Margins(2.5, 600.0))
    await People(store.database).sample(99, 99, Margins(None, None))
    past = await overview.past(now - timedelta(hours=1), 7200)
    whole = past[-1]
    assert sum(each.builds for each in past) == 2
    assert whole.waited_half is not None
    assert 100 <= whole.waited_half < 130
    assert whole.ends == {"canceled": 1, "completed": 1, "handed over": 1}
    assert (whole.unsettled, whole.held, whole.oldest_due, whole.claim_margin) == (3, 1, 2.5, 600.0)


async def test_old_samples_are_forgotten(store: Runs) -> None:
    await store.database.fetch("INSERT INTO samples VALUES (now() - interval '9 days', 1, 1)")
    await People(store.database).sample(3, 1, Margins(None, None))
    assert [row["unsettled"] for row in await store.database.fetch("SELECT * FROM samples")] == [3]


async def test_changes_are_read_on_in_their_order(store: Runs, overview: Overview) -> None:
    await store.insert([wanted(0)])
    await saved(
        store, replace(wanted(0), phase=Queued(Request(RequestId(9), wanted().key.run_id)), builder="b", facts=FACTS)
    )
    first, second = await overview.changes(0, 10)
    assert (first.step.from_phase, first.step.to_phase, second.step.from_phase) == (None, "wanted", "wanted")
    assert (second.task_id, second.pool, second.builder, second.task_group_id) == (TASK, "linux", "b", "group")
    assert await overview.changes(first.number, 10) == [second]
    assert await overview.newest(timedelta(0)) == second.number
    assert await overview.newest(timedelta(minutes=1)) == 0
    await store.database.fetch("DELETE FROM runs")
    assert (await overview.changes(first.number, 10))[0].pool is None


async def test_a_change_that_comes_into_sight_late_is_not_left_out(
    postgres_dsn: str, store: Runs, overview: Overview
) -> None:
    """Its transaction took a number, and ends after one that took a higher one."""
    late = await asyncpg.connect(postgres_dsn)
    begun = late.transaction()
    await begun.start()
    await late.execute("INSERT INTO transitions (task_id, run_id, to_phase, because, who) VALUES ('late', 0, 'x', 'x', 'x')")
    await store.insert([wanted(0)])
    now = await store.database.value("SELECT clock_timestamp()")
    seen = await overview.changes(0, 10)
    assert len(seen) == 1
    assert released(0, seen, now) == []
    await begun.commit()
    await late.close()
    told: list[Change] = released(0, await overview.changes(0, 10), now)
    assert [change.task_id for change in told] == ["late", TASK]
    assert released(0, seen, now + SETTLED_FOR) == seen


async def test_a_database_opened_for_reading_takes_no_write(postgres_dsn: str, store: Runs) -> None:
    from bridge.core import faults
    from bridge.store import database

    async with database.opened(postgres_dsn, read_only=True) as reading:
        assert await Overview(reading).counts() == {}
        with pytest.raises(faults.Unavailable, match="read-only"):
            await Replica("x", "x", "0", ONE.deployment).seen(reading)
