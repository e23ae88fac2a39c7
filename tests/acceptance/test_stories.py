"""The stories, with Pulse and without: every end is the same, at most a sweep later (F-03)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.acceptance.scene import Scene, cancel_all
from tests.acceptance.stories import CLAIM, STORIES
from tests.sandbox.stack import Stack

Story = Callable[[Scene], Awaitable[None]]


async def _played(story: Story, stack: Stack) -> None:
    await story(Scene(stack))


@pytest.fixture(scope="module", params=["with Pulse", "without Pulse"])
async def played(request: pytest.FixtureRequest, calm: Stack) -> AsyncIterator[dict[Story, asyncio.Task[None]]]:
    """All stories that this run wants, side by side, as life would have them."""
    await calm.stop_services()
    calm.configure({"pulse": {"enabled": request.param == "with Pulse"}})
    await calm.control("POST", "periods", claimSeconds=CLAIM)
    await calm.start_services()
    wanted = {
        item.callspec.params["story"]
        for item in request.session.items
        if hasattr(item, "callspec") and "story" in item.callspec.params
    }
    tasks: dict[Story, asyncio.Task[None]] = {
        story: asyncio.create_task(_played(story, calm), name=story.__name__) for story in STORIES if story in wanted
    }
    yield tasks
    for task in tasks.values():
        task.cancel()
    await asyncio.gather(*tasks.values(), return_exceptions=True)
    await cancel_all(calm)  # what a story that failed has left must not stand in the way of the next


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
async def test_story(story: Story, played: dict[Story, asyncio.Task[None]]) -> None:
    await played[story]
