"""An event loop whose time is a number: it never waits, it moves the clock to the next thing that is due."""

import asyncio
import heapq
from asyncio import events
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from itertools import count
from typing import Any

Callback = Callable[..., object]


class Handle:
    """Something to be called, unless it is cancelled before; stands in for asyncio's handles, which cost more."""

    __slots__ = ("args", "callback", "cancelled_", "context", "when_")

    def __init__(self, callback: Callback, args: tuple[Any, ...], context: Context | None, when: float) -> None:
        self.callback, self.args, self.context, self.when_ = callback, args, context, when
        self.cancelled_ = False

    def cancel(self) -> None:
        self.cancelled_ = True

    def cancelled(self) -> bool:
        return self.cancelled_

    def when(self) -> float:
        return self.when_


class VirtualLoop:
    """Runs tasks of asyncio in one fixed order, with as much of a loop as they ask for. Time, in seconds, starts at 0 and moves only when nothing else is left."""

    def __init__(self) -> None:
        self.now = 0.0
        self._ready: deque[Handle | tuple[Callback, tuple[Any, ...]]] = deque()
        self._timers: list[tuple[float, int, Any, tuple[Any, ...]]] = []
        self._serial = count()
        self._tasks: list[asyncio.Task[Any]] = []  # asyncio knows them too, among those of all loops that ever were
        self._stopping = False
        self.failure: BaseException | None = None

    # --- what asyncio asks of a loop

    def time(self) -> float:
        return self.now

    get_debug = staticmethod(bool)  # that is: False; each future asks, so it is not to cost anything

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def create_future(self) -> "asyncio.Future[Any]":
        return asyncio.Future(loop=self)

    def create_task(
        self, coro: Coroutine[Any, Any, Any], *, name: str | None = None, context: Context | None = None
    ) -> "asyncio.Task[Any]":
        task = asyncio.Task(coro, loop=self, name=name, context=context)
        self._tasks.append(task)
        return task

    def call_soon(self, callback: Callback, *args: Any, context: Context | None = None) -> Handle | None:
        if context is not None:  # a step of a task or a future's callback: asyncio does not keep the handle
            self._ready.append((context.run, (callback, *args)))
            return None
        handle = Handle(callback, args, None, self.now)
        self._ready.append(handle)
        return handle

    def call_later(self, delay: float, callback: Callback, *args: Any, context: Context | None = None) -> Handle:
        handle = Handle(callback, args, context, self.now + delay)
        heapq.heappush(self._timers, (handle.when_, next(self._serial), handle, ()))
        return handle

    def call_at(self, when: float, callback: Callback, *args: Any, context: Context | None = None) -> Handle:
        handle = Handle(callback, args, context, when)
        heapq.heappush(self._timers, (when, next(self._serial), handle, ()))
        return handle

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Whatever nobody awaited is a defect of the simulation or of the bridge: it ends the schedule."""
        self.failure = self.failure or context.get("exception") or RuntimeError(context.get("message"))

    # --- what the simulation asks of it

    def later(self, delay: float, callback: Callback, *args: Any) -> None:
        """Call it after so many seconds; cheaper than `call_later`, and never cancelled."""
        heapq.heappush(self._timers, (self.now + delay, next(self._serial), callback, args))

    def at(self, when: float, callback: Callback, *args: Any) -> None:
        """Call it at a time; never cancelled."""
        heapq.heappush(self._timers, (when, next(self._serial), callback, args))

    def stop(self) -> None:
        """Leave `run_forever` after the callback at hand."""
        self._stopping = True

    def run_forever(self) -> None:
        """Run until `stop`; raises what nobody caught."""
        events._set_running_loop(self)
        self._stopping = False
        try:
            self._run()
        finally:
            events._set_running_loop(None)

    def drain(self) -> None:
        """Cancel all tasks and let them end; what waits for a time is left."""
        left = self._tasks
        while left := [task for task in left if not task.done()]:
            for task in left:
                task.cancel()
            self._timers = []
            self.run_forever()

    def _run(self) -> None:
        ready, timers, pop = self._ready, self._timers, heapq.heappop
        while not self._stopping:
            while ready:
                step = ready.popleft()
                if step.__class__ is tuple:
                    run, args = step
                    run(*args)
                elif not step.cancelled_:
                    step.callback(*step.args)
            if self.failure is not None:
                raise self.failure
            if self._stopping or not timers:
                return
            when, _, what, args = pop(timers)
            if what.__class__ is Handle:
                if what.cancelled_:
                    continue
                self.now = when
                what.callback(*what.args)
            else:
                self.now = when
                what(*args)
