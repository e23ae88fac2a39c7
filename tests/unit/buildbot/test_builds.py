"""Buildbot's address: asked for once, whoever comes meanwhile, and whatever comes of it."""

import asyncio
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import cast

import pytest

from bridge.buildbot.builds import BuildbotBuilds
from bridge.buildbot.client import Buildbot
from bridge.core import faults
from bridge.core.request import RequestState

STARTED = cast(RequestState, SimpleNamespace(newest=SimpleNamespace(builder_id=2, number=7)))


@dataclass
class Plugin:
    """Answers once it is `open`; `away`: with a fault."""

    away: bool = True
    asked: int = 0
    open: asyncio.Event = field(default_factory=asyncio.Event)

    async def version(self) -> SimpleNamespace:
        self.asked += 1
        await self.open.wait()
        if self.away:
            raise faults.Unavailable("no answer")
        return SimpleNamespace(buildbot_url="https://buildbot.example.org/")


async def test_many_who_ask_a_master_that_hangs_wait_for_one_call_and_not_in_a_row() -> None:
    plugin = Plugin()
    builds = BuildbotBuilds(cast(Buildbot, plugin))
    many = [asyncio.create_task(builds.build_url(STARTED)) for _ in range(20)]
    await asyncio.sleep(0)
    plugin.open.set()
    for each in many:
        with pytest.raises(faults.Unavailable):
            await each
    assert plugin.asked == 1
    plugin.away = False
    urls = await asyncio.gather(*(builds.build_url(STARTED) for _ in range(20)))
    assert set(urls) == {"https://buildbot.example.org/#/builders/2/builds/7"}
    assert plugin.asked == 2
