"""Orders that hold new build requests back: given, lifted, listed, and waited for until nothing is under way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict, dataclass

from bridge.cli import desk
from bridge.cli.complaint import Complaint
from bridge.cli.desk import By, Desk, Said
from bridge.core.events import Urged
from bridge.core.steering import Stop, StopKind
from bridge.settings import Settings
from bridge.store.people import People
from bridge.store.steering import Act

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
        """Raise `Complaint` where nothing could ever be held back so."""
        if self.pool and self.pool not in settings.pools:
            raise Complaint(f"there is no pool {self.pool!r} in the settings; there are {', '.join(sorted(settings.pools))}")
        if not self.builders or "*" in self.builders[:-1]:
            raise Complaint(f"{self.builders!r} must be a builder's name, or a prefix followed by one `*`")


async def give(settings: Settings, target: Target, by: By) -> Said:
    """Hold new build requests back, everywhere within seconds; what has a request goes on."""
    target.check(settings)
    order = target.order(by)
    async with desk.opened(settings, by) as here:
        waiting, under_way = await _counted(here, order.pool)
        if not by.trial:
            await here.operators.give(order)
            await here.note(order.kind, order.target, "given")
    does = "Would hold" if by.trial else "Holds"
    words = f"{does} back new build requests for {order.target}.\n"
    words += (
        f"Unsettled runs of {_pool_words(order.pool)}: {waiting} without a request, {under_way} that have one and go on.\n"
    )
    return {**asdict(order), "dry_run": by.trial, "waiting": waiting, "under_way": under_way}, words


async def lift(settings: Settings, target: Target, by: By) -> Said:
    """Lift an order, and have the runs that it may have held back look again now."""
    order = target.order(by)
    async with desk.opened(settings, by) as here:
        found = [stop for stop, _ in await here.operators.stops()]
        if (order.kind, order.pool, order.builders) not in {(stop.kind, stop.pool, stop.builders) for stop in found}:
            raise Complaint(_not_in_force(order, found))
        urged = 0 if by.trial else await _lifted(here, order)
    words = f"Would lift: {order.target}.\n" if by.trial else f"Lifted: {order.target}. {urged} runs look again now.\n"
    return {**asdict(order), "dry_run": by.trial, "urged": urged}, words


async def _lifted(here: Desk, order: Stop) -> int:
    """Runs that something else holds back too say so again; where there are very many, the rest look within a minute."""
    await here.operators.lift(order.kind, order.pool, order.builders)
    urged = 0
    for key, pool in await here.operators.held(_AT_ONCE):
        if order.pool in ("", pool) and pool in here.house.engine.pools:
            await here.house.engine.heard(key, Urged(here.house.clock.now()))
            urged += 1
    await here.note(f"not {order.kind}", order.target, f"{urged} runs look again")
    return urged


async def listed(settings: Settings) -> Said:
    """The orders in force, and the newest acts of operators."""
    async with desk.opened(settings, By("", "", trial=True)) as here:
        stops, acts = await here.operators.stops(), await here.operators.acts()
    lines = [f"since {at:%Y-%m-%d %H:%M:%S}: {stop.words}" for stop, at in stops] or ["no orders are in force"]
    lines += [
        "",
        "newest acts:",
        *(f"{a.at:%Y-%m-%d %H:%M:%S}  {a.who}  {a.verb}  {a.target}: {a.why} ({a.outcome})" for a in acts),
    ]
    data = {"stops": [{**asdict(stop), "since": at} for stop, at in stops], "acts": [asdict(act) for act in acts]}
    return data, "\n".join(lines) + "\n"


async def drained(settings: Settings, say: Callable[[str], None]) -> None:
    """Return when no run has a build request any more; `say` hears of each change."""
    last = -1
    async with desk.opened(settings, By("", "", trial=True)) as here:
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


def _act(act: Act) -> str:
    return f"{act.at:%Y-%m-%d %H:%M:%S}  {act.who}  {act.verb}  {act.target}: {act.why} ({act.outcome})"


def _pool_words(pool: str) -> str:
    return f"pool {pool}" if pool else "all pools"


def _not_in_force(order: Stop, found: list[Stop]) -> str:
    same = [f"{stop.target}" for stop in found if stop.kind is order.kind]
    return f"{order.target}: not {order.kind}; {order.kind} now: {'; '.join(same) or 'nothing'}"
