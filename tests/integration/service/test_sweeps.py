"""What a sweep came to is noted for people, faults of the sides included."""

import asyncio
from dataclasses import replace
from pathlib import Path

from bridge import assembly
from bridge.core.run import Queued
from bridge.metrics import Metrics
from bridge.service import Heartbeat
from bridge.settings import load
from bridge.store.overview import Overview
from bridge.telling import Telling
from reflector.sweep import Reflector
from tests.integration.status.serving import settings
from tests.integration.store.rows import REQUEST, wanted
from tests.sandbox.stack import toml


async def test_a_sweep_notes_what_it_found_and_what_kept_it_from_more(postgres_dsn: str, tmp_path: Path) -> None:
    path = tmp_path / "bridge.toml"
    path.write_text(toml(settings(postgres_dsn, {})))
    metrics = Metrics("reflector", "0")
    async with assembly.opened(load(path), "reflector-1", Telling(metrics), metrics.call) as house:
        await house.clock.ask(house.database)
        await house.engine.runs.add(replace(wanted(), phase=Queued(REQUEST)), "test")
        reflector, overview = Reflector(house), Overview(house.database)
        sweeps = {"states": reflector.states, "retire": reflector.retire}
        loops = [
            asyncio.create_task(reflector.every(name, 0.1, sweep, Heartbeat(name, None))) for name, sweep in sweeps.items()
        ]
        async with asyncio.timeout(30):
            while len(found := await overview.sweeps()) < len(sweeps):
                await asyncio.sleep(0.05)
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
    retired, states = found
    assert (retired.name, retired.replica, retired.found, retired.fault) == ("retire", "reflector-1", 0, None)
    assert states.fault is not None
    assert states.began_at <= states.ended_at
