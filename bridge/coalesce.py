"""Many callers who each want one thing, served by few calls that fetch many."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import copy_context
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Coalescer(Generic[K, V]):
    """Collects the keys of concurrent callers for `window` seconds, or until there are `most`, and fetches them at once.

    `fetch` gives what it found; a key that it leaves out gives its callers None. A fault of `fetch` is raised in all of
    its callers. A caller that is cancelled leaves the others alone.
    """

    def __init__(
        self, fetch: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]], *, most: int, window: float = 0.005
    ) -> None:
        self._fetch = fetch
        self._most = most
        self._window = window
        self._around = copy_context()  # not that of whoever comes first: what is fetched is for all of them
        self._waiting: dict[K, asyncio.Future[V | None]] = {}
        self._flight: set[asyncio.Task[None]] = set()

    async def get(self, key: K) -> V | None:
        """Give what the key stands for, or None."""
        future = self._waiting.get(key)
        if future is None:
            future = self._waiting[key] = asyncio.get_running_loop().create_future()
            if len(self._waiting) == 1:
                self._launch(self._window)
            elif len(self._waiting) >= self._most:
                self._launch(0)
        return await asyncio.shield(future)

    def _launch(self, window: float) -> None:
        task = asyncio.create_task(self._serve(window), context=self._around.copy())
        self._flight.add(task)
        task.add_done_callback(self._flight.discard)

    async def _serve(self, window: float) -> None:
        await asyncio.sleep(window)
        batch, self._waiting = self._waiting, {}
        if not batch:
            return  # a full batch was served before its window ended
        try:
            found = await self._fetch(list(batch))
        except Exception as fault:  # noqa: BLE001  handed on to every caller, swallowed by none
            for future in batch.values():
                future.set_exception(fault)
                future.exception()  # read here: a caller that was cancelled will not
            return
        for key, future in batch.items():
            future.set_result(found.get(key))
