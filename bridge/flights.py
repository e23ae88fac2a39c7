"""Calls that are on their way, and all who wait for each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")


class Flights:
    """Callers who want the same thing at the same time share one call; one that is cancelled leaves the others alone."""

    def __init__(self) -> None:
        self._flying: dict[Hashable, asyncio.Task[Any]] = {}

    async def get(self, key: Hashable, call: Callable[[], Awaitable[T]]) -> T:
        """Give what `call` gives, or what a call for the same key that is on its way will; a fault goes to all."""
        task = self._flying.get(key)
        if task is None:
            task = self._flying[key] = asyncio.create_task(_called(call))
            task.add_done_callback(partial(self._landed, key))
        answer: T = await asyncio.shield(task)
        return answer

    def _landed(self, key: Hashable, task: asyncio.Task[Any]) -> None:
        del self._flying[key]
        if not task.cancelled():
            task.exception()  # read here: callers that were cancelled will not

    async def end(self) -> None:
        """Cancel the calls that are on their way."""
        for task in (tasks := list(self._flying.values())):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _called(call: Callable[[], Awaitable[T]]) -> T:
    return await call()
