"""What people and metrics ask of the store."""

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

from bridge.core.run import BuildId, Building, Claim, Queued, Refused, Settled, Wanted
from bridge.store.people import Held, Margins, People, Waiting
from bridge.store.runs import Runs
from tests.integration.store.rows import AT, FACTS, FAR, REQUEST, TASK, WORKER, saved, wanted


@pytest.fixture
def people(store: Runs) -> People:
    return People(store.database)


async def test_unsettled_runs_are_counted_by_pool_and_phase(store: Runs, people: People) -> None:
    await store.insert([wanted(0), wanted(1), replace(wanted(2), pool="windows")])
    await store.add(replace(wanted(3), phase=Refused(WORKER, "no")), "test")
    await store.add(replace(wanted(4), phase=Settled("done")), "test")
    assert await people.counts() == {("linux", "wanted"): 2, ("windows", "wanted"): 1, ("linux", "refused"): 1}


async def test_what_waits_is_told_by_pool_and_by_reason(store: Runs, people: People) -> None:
    for number, why in enumerate(["full", f"PUT runs/{TASK}/7: 503", f"PUT runs/{'B' * 22}/0: 503", None]):
        await store.add(replace(wanted(number), phase=Wanted(why), attempts=number), "test")
    await store.add(replace(wanted(0, "C" * 22), pool="windows", phase=Queued(REQUEST), attempts=9), "test")
    await store.add(replace(wanted(1, "C" * 22), pool="windows", phase=Settled("done"), attempts=99), "test")
    census = await people.census()
    assert census.waiting == {"linux": Waiting(3, 3), "windows": Waiting(0, 9)}
    assert census.counts == {("linux", "wanted"): 4, ("windows", "queued"): 1} == await people.counts()
    assert await people.held() == [Held("linux", "PUT runs/<run>: 503", 2), Held("linux", "full", 1)]
    assert await people.held(1) == [Held("linux", "PUT runs/<run>: 503", 2)]
    now = await store.database.value("SELECT now()")
    facts = replace(FACTS, scheduled=now - timedelta(seconds=90))
    await saved(store, replace(wanted(0), facts=facts))
    await store.add(
        replace(wanted(5), phase=Queued(REQUEST), facts=replace(FACTS, scheduled=now - timedelta(days=1))), "test"
    )
    assert 90 <= (await people.census()).waiting["linux"].oldest < 150


async def test_margins_tell_the_oldest_debt_and_the_first_expiry(store: Runs, people: People) -> None:
    assert await people.margins() == Margins(None, None)
    now = await store.database.value("SELECT now()")
    await store.insert([wanted(0, due=FAR)])
    assert (await people.margins()).oldest_due == 0.0
    claim = Claim(now + timedelta(minutes=10), FAR)
    await store.add(replace(wanted(1, due=FAR), phase=Building(REQUEST, BuildId(1), WORKER, claim)), "test")
    await store.insert([wanted(2, due=now - timedelta(seconds=90)), wanted(3, due=now - timedelta(seconds=30))])
    margins = await people.margins()
    assert margins.oldest_due is not None
    assert margins.claim_margin is not None
    assert 90 <= margins.oldest_due < 150
    assert 540 < margins.claim_margin <= 600


async def test_an_expired_claim_is_a_negative_margin(store: Runs, people: People) -> None:
    await store.add(replace(wanted(), phase=Building(REQUEST, BuildId(1), WORKER, Claim(AT, AT))), "test")
    margin = (await people.margins()).claim_margin
    assert margin is not None
    assert margin < 0


async def test_the_history_of_a_task_is_told_in_order(store: Runs, people: People) -> None:
    await store.insert([wanted(0), wanted(0, "B" * 22)])
    await saved(store, replace(wanted(0), phase=Queued(REQUEST)))
    await saved(store, replace(wanted(0), phase=Queued(REQUEST), attempts=1))
    await store.insert([wanted(1)])
    steps = await people.history(TASK)
    assert [(step.run_id, step.from_phase, step.to_phase, step.who) for step in steps] == [
        (0, None, "wanted", "me"),
        (0, "wanted", "queued", "me"),
        (1, None, "wanted", "me"),
    ]
    assert steps[0].at <= steps[1].at <= steps[2].at
    assert await people.history("nothing") == []


async def test_the_rows_of_a_task_are_shown_with_who_acts_for_them(store: Runs, people: People) -> None:
    await store.insert([wanted(0), wanted(1)])
    await saved(store, replace(wanted(1), attempts=1), holder="a")
    await store.lease(wanted(1).key, "a")
    first, second = await people.entries(TASK)
    assert (first.run, first.due_at, first.version, first.lease_owner, first.holder) == (wanted(0), AT, 1, None, None)
    assert (second.run.attempts, second.version, second.lease_owner, second.holder) == (1, 2, "a", "a")
    assert second.lease_until is not None
    assert second.lease_until > second.updated_at > second.created_at


async def test_what_is_overdue_is_listed_oldest_first(store: Runs, people: People) -> None:
    rows = [wanted(number, due=AT - timedelta(hours=number)) for number in range(4)]
    await store.insert([*rows, wanted(9, due=FAR)])
    assert [entry.run.key.run_id for entry in await people.overdue(limit=3)] == [3, 2, 1]


async def test_an_unreadable_message_is_kept_with_what_names_it(people: People) -> None:
    body = bytes(range(256)) * 300
    await people.bury("exchange/x", "primary.\0.#", "not JSON: \ud800", body)
    (letter,) = await people.dead_letters()
    assert (letter.exchange, letter.routing_key, letter.reason) == ("exchange/x", "primary.\ufffd.#", "not JSON: ?")
    assert (letter.size, letter.sha256, letter.body) == (len(body), hashlib.sha256(body).digest(), body[:65536])


async def test_no_more_than_the_newest_unreadable_messages_are_kept(people: People) -> None:
    await people.database.fetch(
        "INSERT INTO dead_letters (exchange, routing_key, reason, size, sha256, body)"
        " SELECT 'x', n::text, 'r', 0, '', '' FROM generate_series(1, 10050) n"
    )
    for number in range(3):
        await people.bury("x", f"new {number}", "r", b"")
    assert await people.database.value("SELECT count(*) FROM dead_letters") <= 10001
    assert [letter.routing_key for letter in await people.dead_letters(4)] == ["new 2", "new 1", "new 0", "10050"]


async def test_what_a_change_was_decided_on_is_kept_with_it(store: Runs, people: People) -> None:
    await store.insert([wanted()])
    cause = [{"event": "request", "request": 5, "complete": False, "builds": [{"id": 7, "worker": "w", "results": None}]}]
    building = replace(wanted(), phase=Building(REQUEST, BuildId(1), WORKER))
    await store.change(TASK, lambda _: {building.key.run_id: building}, because="it started", cause=cause)
    born, started = await people.history(TASK)
    assert (born.cause, started.cause) == (None, cause)


async def test_one_odd_character_in_a_cause_does_not_hold_up_a_run(store: Runs, people: People) -> None:
    await store.insert([wanted()])
    odd = [{"event": "request", "builds": [{"worker": "a\0b\ud800", "na\0me": ("x\0",)}]}]
    queued = replace(wanted(), phase=Queued(REQUEST))
    await store.change(TASK, lambda _: {queued.key.run_id: queued}, because="submitted", cause=odd)
    (_, step) = await people.history(TASK)
    assert step.cause == [{"event": "request", "builds": [{"worker": "a\ufffdb?", "na\ufffdme": ["x\ufffd"]}]}]


async def test_what_an_older_version_stores_has_no_cause(store: Runs, people: People) -> None:
    await store.insert([wanted()])
    await store.database.fetch(
        "INSERT INTO transitions (task_id, run_id, from_phase, to_phase, because, who) "
        f"VALUES ('{TASK}', 0, 'wanted', 'queued', 'Buildbot has build request 5 for the run', 'old')"
    )
    assert [step.cause for step in await people.history(TASK)] == [None, None]
