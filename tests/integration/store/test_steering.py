"""Orders of operators: read seldom, told when they change; and what operators write is kept."""

import asyncio
import hashlib
from dataclasses import replace

import pytest

from bridge.core import faults
from bridge.core.run import Queued, Settled, Wanted
from bridge.core.steering import Act, Stop, StopKind
from bridge.store.database import Database
from bridge.store.people import People
from bridge.store.runs import Runs
from bridge.store.steering import FRESH, Intent, Operators, Orders
from tests.integration.store.rows import FAR, REQUEST, saved, wanted

PAUSED = Stop(StopKind.PAUSED, "linux", "a*", "alice", "repair")
DENIED = Stop(StopKind.DENIED, "", "b", "bob", "stolen key")


@pytest.fixture
def operators(opened: Database) -> Operators:
    return Operators(opened)


class Hand:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


async def test_an_order_holds_when_what_was_read_is_too_old(opened: Database, operators: Operators) -> None:
    hand, heard = Hand(), list[list[Stop]]()
    orders = Orders(opened, lambda stops: heard.append([*stops]), hand)
    assert await orders.stop("linux", "abc") is None
    await operators.give(PAUSED)
    hand.at += FRESH - 0.1
    assert await orders.stop("linux", "abc") is None
    hand.at += 0.1
    assert await orders.stop("linux", "abc") == PAUSED
    assert await orders.stop("windows", "abc") is None
    assert await operators.lift(PAUSED.kind, PAUSED.pool, PAUSED.builders)
    hand.at += FRESH
    assert await orders.stop("linux", "abc") is None
    assert heard == [[PAUSED], []]


async def test_while_orders_cannot_be_read_nothing_is_known_of_them(opened: Database, operators: Operators) -> None:
    hand = Hand()
    orders = Orders(opened, monotonic=hand)
    assert await orders.stop("linux", "abc") is None
    await opened.fetch("DROP TABLE stops")
    hand.at += FRESH
    with pytest.raises(faults.Unavailable):
        await orders.stop("linux", "abc")


async def test_an_order_given_again_has_its_new_words_and_is_lifted_once(operators: Operators) -> None:
    await operators.give(PAUSED)
    await operators.give(replace(PAUSED, who="carol", why="still"))
    await operators.give(DENIED)
    assert [each.stop for each in await operators.stops()] == [DENIED, replace(PAUSED, who="carol", why="still")]
    assert await operators.lift(StopKind.PAUSED, "linux", "a*")
    assert not await operators.lift(StopKind.PAUSED, "linux", "a*")
    assert [each.stop for each in await operators.stops()] == [DENIED]


async def test_a_kind_of_a_newer_version_holds_back_as_well(opened: Database, operators: Operators) -> None:
    await opened.fetch("ALTER TABLE stops DROP CONSTRAINT stops_kind_check")
    await opened.fetch("INSERT INTO stops (kind, pool, builders, who, why) VALUES ('quarantined', '', 'x', 'dave', '?')")
    assert (await Orders(opened).stop("linux", "x")) == Stop(StopKind.DENIED, "", "x", "dave", "?")


async def test_runs_that_are_held_back_are_found(store: Runs, operators: Operators) -> None:
    for number in range(3):
        await store.add(replace(wanted(number), phase=Wanted("full")), "test")
    await store.add(wanted(5), "test")
    await store.add(replace(wanted(6), phase=Queued(REQUEST)), "test")
    found = await operators.held(10)
    assert sorted((key.run_id, pool) for key, pool in found) == [(0, "linux"), (1, "linux"), (2, "linux")]
    assert len(await operators.held(2)) == 2


async def test_a_run_is_taken_from_whoever_has_it(store: Runs, operators: Operators) -> None:
    await store.insert([wanted(due=FAR)])
    await saved(store, replace(wanted(due=FAR), attempts=1), holder="gone")
    assert await store.lease(wanted().key, "me") is None
    assert await operators.let_go(wanted().key)
    assert await store.lease(wanted().key, "me") is not None
    await saved(store, replace(wanted(), phase=Settled("done")))
    assert not await operators.let_go(wanted().key)


async def test_acts_are_kept_the_newest_first(operators: Operators) -> None:
    await operators.begin(Intent("alice", "pause", "pool linux", "re\x00pair"), ["pool linux"], 0)
    number = await operators.begin(Intent("bob", "retry", "x/0", "stuck"), ["x", "x/0"], 0)
    assert isinstance(number, int)
    await operators.ended(number, "due")
    newest, oldest = await operators.acts()
    assert (newest.who, newest.verb, newest.target, newest.why, newest.outcome) == ("bob", "retry", "x/0", "stuck", "due")
    assert "\x00" not in oldest.why
    assert oldest.outcome == "begun"
    assert len(await operators.acts(1)) == 1


async def test_of_many_who_begin_at_once_one_does_and_the_others_hear_of_it(operators: Operators) -> None:
    began = await asyncio.gather(
        *(operators.begin(Intent(f"operator {each}", "release", "x/0", "stuck"), ["x", "x/0"], 0) for each in range(8))
    )
    (winner,) = [each for each in began if isinstance(each, int)]
    told = [each for each in began if isinstance(each, Act)]
    assert {each.number for each in told} == {winner}
    assert len(await operators.acts()) == 1


async def test_acts_on_a_task_and_on_its_runs_stand_in_each_others_way(operators: Operators) -> None:
    await operators.begin(Intent("alice", "release", "x/0", "stuck"), ["x", "x/0"], 0)
    other = await operators.begin(Intent("bob", "cancel", "x", "wrong"), ["x", "x/0", "x/1"], 0)
    assert isinstance(other, Act)
    assert (other.who, other.target) == ("alice", "x/0")
    assert isinstance(await operators.begin(Intent("bob", "release", "x/1", "stuck"), ["x", "x/1"], 0), int)
    assert isinstance(await operators.begin(Intent("bob", "cancel", "x", "wrong"), ["x", "x/0"], other.number), int)
    assert await operators.newest(["nothing"]) is None


async def test_an_unreadable_message_is_found_by_its_number_and_dropped_once(opened: Database, operators: Operators) -> None:
    await People(opened).bury("e", "k", "odd", b"body")
    (letter,) = await People(opened).dead_letters()
    assert await operators.dead_letter(letter.id) == letter
    assert letter.sha256 == hashlib.sha256(b"body").digest()
    assert await operators.forget(letter.id)
    assert not await operators.forget(letter.id)
    assert await operators.dead_letter(letter.id) is None
