"""`bbb web`: the status API and its page, in a process of its own. Any number of them may run.

What reads has a house whose database refuses every write. Only where operators may steer over the API is there a second one.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from functools import partial

from aiohttp.web import Application

from bridge import assembly, logs
from bridge.assembly import House
from bridge.cli.helm import Helm
from bridge.core import faults
from bridge.keeping import ready
from bridge.service import Frame, Heartbeat, StartRefusedError
from bridge.settings import Settings
from bridge.settings.status import StatusSettings
from bridge.status.changes import Changes
from bridge.status.desk import Desk
from bridge.status.lately import Lately
from bridge.status.ports import Served, Sides
from bridge.store.overview import Overview
from bridge.telling import Telling
from bridge.web import api
from bridge.web.access import Access
from bridge.web.api import Api
from bridge.web.health import release
from bridge.web.page.site import Site
from bridge.web.session import Sessions
from bridge.web.shown import Shown
from bridge.web.steering import Steering
from bridge.web.stream import Stream
from bridge.web.writing import Writing


async def run(frame: Frame, settings: Settings) -> None:
    """Serve until cancelled."""
    told = Telling(frame.metrics)
    async with AsyncExitStack() as stack:
        house = await stack.enter_async_context(
            assembly.opened(settings, frame.replica, told, frame.metrics.call, read_only=True)
        )
        await ready(house, _nothing)
        frame.depends("database", partial(house.clock.ask, house.database))
        steering = await _steering(frame, settings, told, stack)
        changes = Changes(Overview(house.database), house.clock.now)
        async with frame.loops() as loops:
            loops.start("changes", partial(_follow, changes, told), silence=45)
            loops.start("status", partial(_serve, _app(house, changes, steering), settings.status), silence=None)


async def _steering(frame: Frame, settings: Settings, told: Telling, stack: AsyncExitStack) -> Steering:
    """Who may steer, and who acts for them; nobody, unless the settings have a token for it."""
    section = settings.status
    if section.writing is None:
        return Steering()
    house = await stack.enter_async_context(assembly.opened(settings, f"{frame.replica} steering", told, frame.metrics.call))
    writing = Writing(on=True, tokens=lambda: section.write_tokens, reading=lambda: section.tokens)
    return Steering(writing, Helm(house).steer)


async def _nothing() -> None:
    """There is nothing to write before it begins: who only reads is no replica."""


def desk(house: House) -> Desk:
    """The desk over an open house."""
    return Desk(Lately(Overview(house.database)), sides(house), house.clock.now)


def sides(house: House) -> Sides:
    """Both sides of a house, for reading."""
    settings = house.settings
    pools = {
        name: Served(pool.task_queue_id, settings.pools[name].buildbot, pool.policy, pool.builds)
        for name, pool in house.engine.pools.items()
    }
    return Sides(settings.taskcluster.root_url, house.queue, pools, settings.status.live_timeout)


def shown(settings: Settings) -> Shown:
    """Answers without this deployment's secrets."""
    return Shown(lambda text: logs.masked(text, settings.secret_texts()))


def _app(house: House, changes: Changes, steering: Steering) -> Application:
    """The API, and the page beside it."""
    section = house.settings.status
    masked = shown(house.settings)
    sessions = Sessions(lambda: section.tokens, house.clock.now)
    access = Access(
        guarded=section.guarded,
        tokens=lambda: (*section.tokens, *section.write_tokens),
        proxy_header=section.proxy_header,
        proofs=lambda: section.proofs,
        proving=section.proxy_proof is not None,
        networks=section.proxy_networks,
        hosts=section.allowed_hosts,
        signed_in=sessions.lasts,
    )
    stream = Stream(changes, section.watchers, masked)
    app = Api(desk(house), stream, access, masked, release(), steering).app()
    Site(access, sessions).join(app)
    return app


async def _serve(app: Application, section: StatusSettings, _heart: Heartbeat) -> None:
    try:
        async with api.served(app, section.host, section.port):
            await asyncio.Event().wait()
    except OSError as error:
        where = f"{section.host}:{section.port}"
        raise StartRefusedError(f"status.host, status.port: cannot listen on {where}: {error.strerror}") from error


async def _follow(changes: Changes, told: Telling, heart: Heartbeat) -> None:
    """Read the changes on, for those who watch."""
    while True:
        try:
            await changes.look()
        except faults.Unavailable as away:
            told.away("database", away)
        await heart.rest(changes.poll)
