"""What every service does besides its own work: settle runs, pay what is due, show that it lives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial

from bridge import assembly, logs
from bridge.assembly import House
from bridge.core import faults
from bridge.core.deployment import unserved
from bridge.engine.guarding import Guardian
from bridge.engine.paying import Payer
from bridge.metrics import Metrics
from bridge.rehearsal import house as rehearsal
from bridge.service import Frame, Heartbeat, Loops, StartRefusedError
from bridge.settings import Settings
from bridge.store import migrate
from bridge.store.people import People, Waiting
from bridge.store.replicas import MismatchError, Replica, served
from bridge.telling import Telling
from bridge.web import health

_SIGN_OF_LIFE = 20.0
_STARTING_AGAIN = 2.0
_GUARD_EVERY = 10.0


class NotMigratedError(StartRefusedError):
    """The database lacks migrations of this version."""

    def __init__(self, missing: Sequence[str]) -> None:
        super().__init__(f"the database lacks {', '.join(missing)}: run `bbb migrate` with the same settings first")


@asynccontextmanager
async def kept(frame: Frame, settings: Settings, *, foreign: bool) -> AsyncIterator[tuple[House, Loops]]:
    """Open the house, wait for the database, show that this replica lives, and start the loops that all services have.

    `foreign`: whether this service also pays what nobody, or a holder that is gone, has left due. A service that only says
    what it would do shows itself to nobody.
    """
    if frame.dry:
        async with rehearsal.kept(frame, settings, partial(ready, begin=_nothing), foreign=foreign) as opened:
            yield opened
        return
    metrics = frame.metrics
    async with assembly.opened(settings, frame.replica, Telling(metrics), metrics.call) as house:
        replica = Replica(frame.replica, frame.service, health.release(), settings.deployment())
        await _started(house, replica)
        frame.depends("database", partial(house.clock.ask, house.database))
        try:
            async with frame.loops() as loops:
                keep(house, loops, replica, metrics, foreign=foreign)
                yield house, loops
        finally:
            await _good_bye(house, replica)


def keep(house: House, loops: Loops, replica: Replica, metrics: Metrics, *, foreign: bool) -> None:
    """Start the loops that all services have, for a house that is open."""
    loops.start("crew", _crew(house), silence=None)
    loops.start("due", lambda heart: Payer(house.crew, foreign=foreign).pay(heart.beat), silence=45)
    loops.start("claims", partial(_guards, house), silence=None)
    loops.start("sign of life", partial(_lives, house, replica, metrics), silence=45)


async def _started(house: House, replica: Replica) -> None:
    """Wait for the database, as long as it takes; refuse one that is not migrated, or serves somebody else."""
    await ready(house, partial(replica.register, house.database))


async def _nothing() -> None:
    """Who writes nothing is no replica."""


async def ready(house: House, begin: Callable[[], Awaitable[None]]) -> None:
    """Wait for the database, as long as it takes, and begin; refuse one that is not migrated."""
    while True:
        try:
            if missing := await migrate.pending(house.settings.database.address()):
                raise NotMigratedError(missing)
            await house.clock.ask(house.database)
            return await begin()
        except (MismatchError, migrate.MigrationError) as unfit:
            raise StartRefusedError(str(unfit)) from unfit
        except faults.Unavailable as away:
            logs.logger().warning("starting", waits_for="database", fault=str(away))
            await asyncio.sleep(_STARTING_AGAIN)


def _crew(house: House) -> Callable[[Heartbeat], Awaitable[None]]:
    async def work(_heart: Heartbeat) -> None:
        await house.crew.work()

    return work


async def _lives(house: House, replica: Replica, metrics: Metrics, heart: Heartbeat) -> None:
    """Show that the replica lives; keep the clock and the gauges right."""
    people = People(house.database)
    left: Mapping[str, int] = {}
    while True:
        try:
            await house.clock.ask(house.database)
            await replica.seen(house.database)
            census = await people.census()
            metrics.runs(census.counts)
            left = _told_unserved(
                house, left, unserved(census.counts, await served(house.database, replica.name, replica.deployment))
            )
            metrics.unserved(left)
            metrics.connections(*house.database.connections())
            margins = await people.margins()
            metrics.margins(margins.oldest_due, margins.claim_margin)
            for pool in house.engine.pools:
                here = census.waiting.get(pool, Waiting(held=0, attempts=0))
                metrics.waiting(pool, here.held, here.attempts, here.oldest)
            held = sum(each.held for each in census.waiting.values())
            await people.sample(sum(census.counts.values()), held, margins)
        except faults.Unavailable as away:
            house.engine.observer.away("database", away)
        await heart.rest(_SIGN_OF_LIFE)


def _told_unserved(house: House, before: Mapping[str, int], now: Mapping[str, int]) -> Mapping[str, int]:
    """Alarm once for each pool that nobody serves any more."""
    for pool in now.keys() - before.keys():
        detail = f"nobody serves pool {pool}, which has {now[pool]} unsettled runs: put it back into the services' settings"
        house.engine.observer.alarm("pool_unserved", None, detail)
    return now


async def _guards(house: House, heart: Heartbeat) -> None:
    """Keep claims alive from memory while the database is away."""
    guardian = Guardian(house.engine)
    while True:
        if renewed := await guardian.guard():
            logs.logger().warning("claims_renewed_from_memory", count=renewed)
        await heart.rest(_GUARD_EVERY)


async def _good_bye(house: House, replica: Replica) -> None:
    try:
        async with asyncio.timeout(2):
            await house.engine.runs.abandon(replica.name)
            await replica.gone(house.database)
    except (faults.Unavailable, TimeoutError):
        logs.logger().info("good_bye_untold")
