"""Whose turn it is: acts are kept from their begin to their end, and of two who looked at the same time one acts."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge import assembly
from bridge.assembly import House
from bridge.core.run import RunId, RunKey, TaskId
from bridge.core.steering import StopKind
from bridge.metrics import Metrics
from bridge.settings import load
from bridge.steering import orders
from bridge.steering.desk import By, Desk, of_task
from bridge.steering.errors import AbsentError, ImpossibleError, OvertakenError
from bridge.store.steering import Operators
from bridge.telling import Telling
from tests.integration.status.serving import settings
from tests.sandbox.stack import toml

TASK = TaskId("A" * 22)
RUN = RunKey(TASK, RunId(0))
ABOUT = of_task(TASK, [RUN])


@pytest.fixture
async def house(postgres_dsn: str, tmp_path: Path) -> AsyncIterator[House]:
    path = tmp_path / "bridge.toml"
    path.write_text(toml(settings(postgres_dsn, {})))
    metrics = Metrics("test", "0")
    async with assembly.opened(load(path), "test", Telling(metrics), metrics.call) as house:
        yield house


def desk(house: House, who: str, *, trial: bool = False) -> Desk:
    return Desk(house, Operators(house.database), By(who, "a test", trial=trial))


async def test_an_act_that_fails_is_kept_with_what_went_wrong(house: House) -> None:
    here = desk(house, "alice")
    with pytest.raises(RuntimeError):
        async with here.turn(await here.look(*ABOUT), "release", str(RUN)):
            raise RuntimeError("the line was cut")
    (act,) = await here.operators.acts()
    assert (act.verb, act.outcome) == ("release", "failed: the line was cut")


async def test_an_act_that_is_cut_off_stays_begun(house: House) -> None:
    here = desk(house, "alice")
    entered = asyncio.Event()

    async def act() -> None:
        async with here.turn(await here.look(*ABOUT), "release", str(RUN)):
            entered.set()
            await asyncio.Event().wait()

    cut = asyncio.create_task(act())
    await entered.wait()
    cut.cancel()
    await asyncio.gather(cut, return_exceptions=True)
    assert [each.outcome for each in await here.operators.acts()] == ["begun"]


async def test_of_two_who_looked_at_the_same_time_the_second_is_told_who_was_first(house: House) -> None:
    alice, bob = desk(house, "alice"), desk(house, "bob")
    looks = await asyncio.gather(alice.look(*ABOUT), bob.look(*ABOUT))
    async with alice.turn(looks[0], "release", str(RUN)) as turn:
        turn.outcome = "from nobody"
    with pytest.raises(OvertakenError, match=r"alice was first: release of .*/0 .*\(a test; from nobody\)"):
        async with bob.turn(looks[1], "cancel", TASK):
            raise AssertionError("not to be reached")
    assert [act.who for act in await alice.operators.acts()] == ["alice"]
    async with bob.turn(await bob.look(*ABOUT), "cancel", TASK):
        pass


@pytest.mark.parametrize(
    ("target", "error", "said"),
    [
        (orders.Target(StopKind.PAUSED, "nowhere", "*"), AbsentError, "there is no pool 'nowhere'"),
        (orders.Target(StopKind.DENIED, "", "a*b"), ImpossibleError, "must be a builder's name"),
        (orders.Target(StopKind.DENIED, "", ""), ImpossibleError, "must be a builder's name"),
    ],
)
async def test_an_order_that_could_hold_nothing_back_is_refused(
    house: House, target: orders.Target, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        await orders.give(desk(house, "alice"), target)


async def test_an_order_that_is_in_force_already_is_told_of(house: House) -> None:
    target = orders.Target(StopKind.PAUSED, "linux", "x*")
    await orders.give(desk(house, "alice"), target)
    _, would = await orders.give(desk(house, "bob", trial=True), target)
    assert "Is so already: paused by alice: a test (builder x* of pool linux; `bbb resume` lifts it)." in would
    _, did = await orders.give(desk(house, "bob"), target)
    assert "Was so already: paused by alice" in did
    newest, _ = await desk(house, "bob").operators.acts()
    assert (newest.who, newest.outcome) == ("bob", "given in place of alice's")


async def test_nothing_under_way_is_drained_at_once(house: House) -> None:
    said = list[str]()
    await orders.drained(desk(house, "alice"), said.append)
    assert said == ["nothing is under way any more: the services may be stopped for as long as you like"]
