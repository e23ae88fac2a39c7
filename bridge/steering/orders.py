"""Orders that hold new build requests back: given, lifted, listed, and waited for until nothing is under way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass

from bridge.core.admission import shown
from bridge.core.events import Urged
from bridge.core.steering import Act, Ordered, Stop, StopKind
from bridge.settings import Settings
from bridge.steering.desk import By, Desk, Said
from bridge.steering.errors import AbsentError, ImpossibleError
from bridge.store.people import People

_AT_ONCE = 5000  # runs that are made to look; all look once a minute by themselves
_LOOK = 2.0  # seconds between two looks of somebody who waits


@dataclass(frozen=True, slots=True)
class Target:
    """What an order is about; `pool` empty: all of them."""

    kind: StopKind
    pool: str
    builders: str

    def order(self, by: By) -> Stop:
        """The order."""
        return Stop(self.kind, self.pool, self.builders, by.who, by.why)

    def check(self, settings: Settings) -> None:
        """Raise `SteeringError` where nothing could ever be held back so."""
        if self.pool and self.pool not in settings.pools:
            raise AbsentError(
                f"there is no pool {self.pool!r} in the settings; there are {', '.join(sorted(settings.pools))}"
            )
        if not self.builders or "*" in self.builders[:-1]:
            raise ImpossibleError(f"{self.builders!r} must be a builder's name, or a prefix followed by one `*`")


async def give(here: Desk, target: Target) -> Said:
    """Hold new build requests back, everywhere within seconds; what has a request goes on."""
    target.check(here.house.settings)
    order = target.order(here.by)
    look = await here.look(order.target)
    before = _same(order, [each.stop for each in await here.operators.stops()])
    waiting, under_way = await _counted(here, order.pool)
    if not here.by.trial:
        async with here.turn(look, order.kind, order.target) as turn:
            await here.operators.give(order)
            turn.outcome = "given" if before is None else f"given in place of {shown(before.who)}'s"
    does = "Would hold" if here.by.trial else "Holds"
    words = f"{does} back new build requests for {order.target}.\n"
    if before is not None:
        words += f"{'Is' if here.by.trial else 'Was'} so already: {before.words}.\n"
    words += (
        f"Unsettled runs of {_pool_words(order.pool)}: {waiting} without a request, {under_way} that have one and go on.\n"
    )
    data = {"dry_run": here.by.trial, "seen": look.seen, "waiting": waiting, "under_way": under_way}
    return {**asdict(order), **data}, words


def _same(order: Stop, stops: Iterable[Stop]) -> Stop | None:
    return next((each for each in stops if _of(each) == _of(order)), None)


def _of(stop: Stop) -> tuple[StopKind, str, str]:
    return stop.kind, stop.pool, stop.builders


async def lift(here: Desk, target: Target) -> Said:
    """Lift an order, and have the runs that it may have held back look again now."""
    order = target.order(here.by)
    look = await here.look(order.target)
    found = [each.stop for each in await here.operators.stops()]
    if _same(order, found) is None:
        raise ImpossibleError(_not_in_force(order, found))
    urged = 0
    if not here.by.trial:
        async with here.turn(look, f"not {order.kind}", order.target) as turn:
            urged = await _lifted(here, order)
            turn.outcome = f"{urged} runs look again"
    words = f"Would lift: {order.target}.\n" if here.by.trial else f"Lifted: {order.target}. {urged} runs look again now.\n"
    return {**asdict(order), "dry_run": here.by.trial, "seen": look.seen, "urged": urged}, words


async def _lifted(here: Desk, order: Stop) -> int:
    """Runs that something else holds back too say so again; where there are very many, the rest look within a minute."""
    await here.operators.lift(order.kind, order.pool, order.builders)
    urged = 0
    for key, pool in await here.operators.held(_AT_ONCE):
        if order.pool in ("", pool) and pool in here.house.engine.pools:
            await here.house.engine.heard(key, Urged(here.house.clock.now()))
            urged += 1
    return urged


async def listed(here: Desk) -> Said:
    """The orders in force, and the newest acts of operators."""
    stops, acts = await here.operators.stops(), await here.operators.acts()
    data = {"stops": [{**asdict(each.stop), "since": each.since} for each in stops], "acts": [asdict(act) for act in acts]}
    return data, "\n".join(_lines(stops, acts)) + "\n"


def _lines(stops: Iterable[Ordered], acts: Iterable[Act]) -> list[str]:
    in_force = [f"since {each.since:%Y-%m-%d %H:%M:%S}: {each.stop.words}" for each in stops] or ["no orders are in force"]
    return [*in_force, "", "newest acts:", *map(_act, acts)]


def _act(act: Act) -> str:
    why, outcome = shown(act.why, 200), shown(act.outcome, 300)
    return f"{act.at:%Y-%m-%d %H:%M:%S}  {shown(act.who)}  {act.verb}  {act.target}: {why} ({outcome})"


async def drained(here: Desk, say: Callable[[str], None]) -> None:
    """Return when no run has a build request any more; `say` hears of each change."""
    last = -1
    while (under_way := (await _counted(here, ""))[1]) > 0:
        if under_way != last:
            say(f"{under_way} runs still have a build request")
        last = under_way
        await asyncio.sleep(_LOOK)
    say("nothing is under way any more: the services may be stopped for as long as you like")


async def _counted(here: Desk, pool: str) -> tuple[int, int]:
    """Unsettled runs without and with a build request, or on the way to their end."""
    counts = (await People(here.house.database).counts()).items()
    waiting = sum(runs for (of, phase), runs in counts if pool in ("", of) and phase == "wanted")
    return waiting, sum(runs for (of, _), runs in counts if pool in ("", of)) - waiting


def _pool_words(pool: str) -> str:
    return f"pool {pool}" if pool else "all pools"


def _not_in_force(order: Stop, found: list[Stop]) -> str:
    same = [f"{stop.target}" for stop in found if stop.kind is order.kind]
    return f"{order.target}: not {order.kind}; {order.kind} now: {'; '.join(same) or 'nothing'}"
