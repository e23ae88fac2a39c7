"""The house of a service that only says what it would do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

from bridge import assembly, logs
from bridge.assembly import House
from bridge.core import faults
from bridge.core.run import RunKey
from bridge.engine.crew import Crew
from bridge.engine.engine import Engine
from bridge.engine.memory import Memory
from bridge.engine.paying import Payer
from bridge.engine.sweeps import Sweeps
from bridge.engine.tracing import Untraced
from bridge.rehearsal.builds import Builds
from bridge.rehearsal.hearing import ENDS, Hearing
from bridge.rehearsal.plan import Plan
from bridge.rehearsal.queue import Queue
from bridge.rehearsal.rows import Rows
from bridge.service import Frame, Heartbeat, Loops
from bridge.settings import Settings
from bridge.store.overview import Overview
from bridge.store.people import People
from bridge.telling import Telling

_CLOCK_EVERY = 20.0
Ready = Callable[[House], Awaitable[None]]


@asynccontextmanager
async def kept(frame: Frame, settings: Settings, ready: Ready, *, foreign: bool) -> AsyncIterator[tuple[House, Loops]]:
    """Open the house, nothing of which can write, and start the loops that all services have.

    `foreign`: whether this service also pays what others have left due.
    """
    metrics = frame.metrics
    with logs.about(dry_run=True):
        async with assembly.opened(settings, frame.replica, Telling(metrics), metrics.call, read_only=True) as real:
            await ready(real)
            frame.depends("database", partial(real.clock.ask, real.database))
            house, rows = rehearsing(real, foreign=foreign)
            async with frame.loops() as loops:
                loops.start("crew", lambda _: house.crew.work(), silence=None)
                loops.start("due", lambda heart: Payer(house.crew, foreign=foreign).pay(heart.beat), silence=45)
                loops.start("clock", partial(_clock, real), silence=45)
                hears = frame.service == "taskcluster-listener"
                hearing = Hearing(
                    Overview(real.database), real.engine.runs, rows, house.crew, ENDS if hears else (), wakes=hears
                )
                loops.start("rows", lambda heart: hearing.hear(heart.rest), silence=45)
                yield house, loops


def rehearsing(real: House, *, foreign: bool) -> tuple[House, Rows]:
    """The same house with an engine that changes nothing, and its rows."""
    plan = Plan(_told)
    rows = Rows(real.clock, People(real.database).entries if foreign else None)
    pools = {name: replace(pool, builds=Builds(pool.builds, plan)) for name, pool in real.engine.pools.items()}
    engine: Engine = replace(
        real.engine,
        runs=rows,
        queue=Queue(real.engine.queue, plan),
        pools=pools,
        memory=Memory(),
        tracing=Untraced(),  # the traces of these runs are of what was done
    )
    return replace(real, engine=engine, crew=Crew(engine), sweeps=Sweeps(engine)), rows


def _told(key: RunKey, call: str, detail: str) -> None:
    logs.logger().info("would_call", task=key.task_id, run=key.run_id, call=call, detail=detail)


async def _clock(house: House, heart: Heartbeat) -> None:
    while True:
        try:
            await house.clock.ask(house.database)
        except faults.Unavailable as away:
            house.engine.observer.away("database", away)
        await heart.rest(_CLOCK_EVERY)
