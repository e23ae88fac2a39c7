"""Shows the logs of running builds: opens the live log beside the Buildbot listener, if the settings give it an address."""

from __future__ import annotations

import asyncio
from functools import partial

from bridge import logs
from bridge.assembly import House
from bridge.engine.pool import Pool
from bridge.livelog.server import Bounds, LiveLogs, Source, Told, serving
from bridge.metrics import Metrics
from bridge.service import Heartbeat, Loops


def show(house: House, loops: Loops, metrics: Metrics) -> None:
    """Start the server of live logs, if there is to be one."""
    if house.settings.live_log.public_url is not None:
        loops.start("live log", partial(_serve, house, metrics), silence=None)


async def _serve(house: House, metrics: Metrics, _heart: Heartbeat) -> None:
    section = house.settings.live_log
    bounds = Bounds(section.listeners, section.per_build, section.silence, section.poll, section.outage)
    told = Told(metrics.live_readers, metrics.live_refused)
    sources = {name: _source(pool) for name, pool in house.engine.pools.items()}
    live = LiveLogs(sources, lambda: section.keys, house.clock.now, told, bounds)
    async with serving(live, section.host, section.port) as port:
        logs.logger().info("live_log_listening", url=f"http://{section.host}:{port}", public_url=section.public_url)
        await asyncio.Event().wait()


def _source(pool: Pool) -> Source:
    return Source(pool.builds, pool.published.redactor)
