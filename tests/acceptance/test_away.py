"""Scenario files in which the whole bridge is killed, and started again when something has happened meanwhile.

They are played side by side, so that the services are killed and started once: each waits for the others to come so far.
"""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.acceptance.conftest import PERIODS
from tests.acceptance.scene import Scene, cancel_all
from tests.acceptance.stage import Absence, Stage, loses_the_bridge, perform
from tests.acceptance.stories import CLAIM, PLAYED
from tests.sandbox.stack import Stack

NAMES = [name for name, scenario in PLAYED.items() if loses_the_bridge(scenario)]


@pytest.fixture(scope="module")
async def played(rough: Stack) -> AsyncIterator[dict[str, asyncio.Task[Stage]]]:
    """All of them: each needs the others to come to the end of the bridge."""
    await rough.stop_services()
    rough.configure({})
    await rough.control("POST", "periods", **{**PERIODS, "claimSeconds": CLAIM})
    await rough.start_services()
    away = Absence(rough, len(NAMES))
    tasks = {name: asyncio.create_task(perform(Scene(rough), PLAYED[name], away), name=name) for name in NAMES}
    yield tasks
    for task in tasks.values():
        task.cancel()
    await asyncio.gather(*tasks.values(), return_exceptions=True)
    await rough.control("POST", "periods", **PERIODS)
    await rough.start_services()
    await cancel_all(rough)


@pytest.mark.parametrize("name", NAMES)
async def test_what_happened_while_the_bridge_was_away_is_found(name: str, played: dict[str, asyncio.Task[Stage]]) -> None:
    await played[name]
