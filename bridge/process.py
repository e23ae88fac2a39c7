"""A process from start to exit: signals, the bounded end, and the watch over loops and the event loop itself."""

from __future__ import annotations

import asyncio
import faulthandler
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from bridge import logs
from bridge.service import Frame, StartRefusedError

DRAIN: Final = 10.0
"""Seconds for an orderly end; Kubernetes kills after 30."""
STUCK: Final = 45.0
"""Seconds; an event loop that did not turn for so long never will."""
_TICK: Final = 1.0
_PAUSE: Final = 5.0
FAILED: Final = 1


class StalledError(Exception):
    """A loop gives no sign of life."""


async def live(
    frames: Sequence[Frame],
    work: Callable[[], Coroutine[Any, Any, None]],
    *,
    drain: float = DRAIN,
    stuck: float = STUCK,
) -> int:
    """Work until a signal asks for the end (exit status 0), or until something fails or falls silent (1).

    Either way the work is cancelled and gets `drain` seconds to close what it opened; after that the process is left.
    """
    log = logs.logger()
    with _signals() as asked, _guarded(stuck) as guard:
        tasks: dict[asyncio.Future[Any], str] = {
            asyncio.create_task(work()): "work",
            asyncio.create_task(_watch(frames, guard)): "watch",
            asyncio.create_task(asked.wait()): "signal",
        }
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for frame in frames:
            frame.draining = True
        log.info("service_ending", because="a signal" if asked.is_set() else "a failure", within=drain)
        finished = {task for task in tasks if task.done()}
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=drain)
    return _status(tasks, finished, asked=asked.is_set())


def _status(tasks: dict[asyncio.Future[Any], str], finished: set[asyncio.Future[Any]], *, asked: bool) -> int:
    log = logs.logger()
    late = [name for task, name in tasks.items() if not task.done()]
    if late:
        log.error("service_not_drained", tasks=late)
        _leave()
    failures = [error for task in tasks if not task.cancelled() and (error := task.exception()) is not None]
    for failure in failures:
        refused, others = _told_apart(failure)
        for each in refused:
            log.error("service_refused", because=str(each))
        if others:
            log.error("service_failed", exc_info=failure)
    if asked and not failures:
        return 0
    if not failures and not asked:
        log.error("service_failed", because="its work came to an end", tasks=[tasks[task] for task in finished])
    return FAILED


def _told_apart(failure: BaseException) -> tuple[list[StartRefusedError], list[BaseException]]:
    """What a person can mend, told in words, and what needs a traceback."""
    leaves = [failure]
    while any(isinstance(each, BaseExceptionGroup) for each in leaves):
        leaves = [leaf for each in leaves for leaf in (each.exceptions if isinstance(each, BaseExceptionGroup) else [each])]
    refused = [each for each in leaves if isinstance(each, StartRefusedError)]
    return refused, [each for each in leaves if not isinstance(each, StartRefusedError)]


def _leave() -> None:
    """End the process although something in it does not: asyncio would wait for it without end."""
    sys.stderr.flush()
    os._exit(FAILED)


@contextmanager
def _signals() -> Iterator[asyncio.Event]:
    """An event for SIGTERM and SIGINT; the second signal ends the process at once."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()

    def ask(number: signal.Signals) -> None:
        logs.logger().info("signal", name=number.name)
        if asked.is_set():
            _leave()
        asked.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ask, number)
    try:
        yield asked
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


async def _watch(frames: Sequence[Frame], guard: Guard) -> None:
    """Raise when a loop is silent for too long. A time in which nothing of the process ran is held against nobody."""
    before = time.monotonic()
    while True:
        await asyncio.sleep(_TICK)
        guard.turned()
        now = time.monotonic()
        lag, before = now - before - _TICK, now
        if lag > _TICK:
            logs.logger().warning("event_loop_late", seconds=round(lag, 1))
        for frame in frames:
            frame.metrics.lag(max(0.0, lag))
            for heart in frame.hearts.values():
                if lag > _PAUSE:
                    heart.forgive(lag)
                frame.metrics.silence(f"{frame.service}.{heart.name}", heart.silent)
                if heart.lost:
                    raise StalledError(f"loop {heart.name} of {frame.service} has been silent for {heart.silent:.0f} s")


class Guard(threading.Thread):
    """Ends the process when its event loop stands still: from a thread, for nothing in the loop can notice that."""

    def __init__(self, stuck: float) -> None:
        super().__init__(name="guard of the event loop", daemon=True)
        self._stuck = stuck
        self._turned = time.monotonic()
        self._over = threading.Event()

    def turned(self) -> None:
        """Tell that the event loop works."""
        self._turned = time.monotonic()

    def stop(self) -> None:
        """Guard no longer."""
        self._over.set()
        self.join()

    def run(self) -> None:
        before = time.monotonic()
        while not self._over.wait(_TICK):
            now = time.monotonic()
            if now - before > _PAUSE:  # the whole process was stopped: the event loop could not turn either
                self._turned = now
            before = now
            if now - self._turned > self._stuck:
                sys.stderr.write(f"The event loop has not turned for {now - self._turned:.0f} s; the process ends.\n")
                faulthandler.dump_traceback(all_threads=True)
                _leave()


@contextmanager
def _guarded(stuck: float) -> Iterator[Guard]:
    guard = Guard(stuck)
    guard.start()
    try:
        yield guard
    finally:
        guard.stop()
