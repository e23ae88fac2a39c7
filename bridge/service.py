"""The frame of a service: its name among the replicas, its loops and their signs of life, what it depends on.

A loop that ends, for whatever reason, ends the service; one that falls silent does so within a minute (`bridge.process`
watches). Nothing goes on half alive: another replica, or this one started anew, does the work instead.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bridge import logs
from bridge.metrics import Metrics
from bridge.together import Together

SEEN_WITHIN = 60.0
"""Seconds; a dependency that did not answer for so long makes the service not ready."""
_PROBE_EVERY = 15.0
_PROBE_FIRST = 0.5  # until every dependency has answered once: a service that starts shall be ready soon


class StartRefusedError(Exception):
    """The service must not start as things are; the text says why, and what to do."""


class LoopEndedError(Exception):
    """A loop that should work for ever came to its end."""


class Heartbeat:
    """A loop's sign of life: `beat` at least every `silence` seconds, or `rest` for as long as there is nothing to do."""

    def __init__(self, name: str, silence: float | None) -> None:
        """Take None for a loop that may wait without end: then only its end is noticed."""
        self.name = name
        self.allowed = silence
        self._last = time.monotonic()
        self._granted = 0.0

    def beat(self) -> None:
        """Show that the loop works."""
        self._last, self._granted = time.monotonic(), 0.0

    def grant(self, seconds: float) -> None:
        """Announce a wait of so many seconds, on top of the allowed silence; it counts as a sign of life."""
        self._last, self._granted = time.monotonic(), seconds

    async def rest(self, seconds: float) -> None:
        """Sleep, announced."""
        self.grant(seconds)
        await asyncio.sleep(seconds)
        self.beat()

    def forgive(self, seconds: float) -> None:
        """Leave out a time in which the whole process did not run."""
        self._last += seconds

    @property
    def silent(self) -> float:
        """Seconds since the last sign of life, announced waits left out."""
        return max(0.0, time.monotonic() - self._last - self._granted)

    @property
    def lost(self) -> bool:
        """Whether it has been silent for too long."""
        return self.allowed is not None and self.silent > self.allowed


Work = Callable[[Heartbeat], Awaitable[None]]


@dataclass(slots=True)
class Dependency:
    """Something outside that the service cannot do without; `check` raises when it does not answer."""

    name: str
    check: Callable[[], Awaitable[object]]
    timeout: float
    seen_at: float | None = None

    async def probe(self) -> str | None:
        """Ask it now; what is wrong, or None."""
        try:
            async with asyncio.timeout(self.timeout):
                await self.check()
        except TimeoutError:
            return f"no answer within {self.timeout:g} s"
        except Exception as fault:  # noqa: BLE001  a check says what is wrong, in whatever words; nothing depends on it
            return f"{type(fault).__name__}: {str(fault)[:300]}"
        self.seen_at = time.monotonic()
        return None


@dataclass(slots=True)
class Loops:
    """The loops of one service, in one group of tasks."""

    frame: Frame
    group: Together

    def start(self, name: str, work: Work, *, silence: float | None) -> None:
        """Start a loop. It shows life to the heartbeat it is given, at least every `silence` seconds (see `Heartbeat`).

        Up to 45 seconds keep the promise that a process whose loop stalls is gone within a minute.
        """
        heart = self.frame.hearts[name] = Heartbeat(name, silence)
        self.group.create_task(self._alive(heart, work), name=f"{self.frame.service} {name}")

    async def _alive(self, heart: Heartbeat, work: Work) -> None:
        with logs.about(service=self.frame.service, replica=self.frame.replica):
            try:
                await work(heart)
            except asyncio.CancelledError:
                # A library may cancel what we wait for; a group would take it for an orderly end, and nobody would notice.
                if _is_asked_to_end():
                    raise
        raise LoopEndedError(f"loop {heart.name} of {self.frame.service} came to its end")


def _is_asked_to_end() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


@dataclass(slots=True)
class Frame:
    """One service within a process. `replica` names it in leases, logs and the list of replicas: never used twice."""

    service: str
    metrics: Metrics
    replica: str = ""
    hearts: dict[str, Heartbeat] = field(default_factory=dict)
    dependencies: dict[str, Dependency] = field(default_factory=dict)
    draining: bool = False
    dry: bool = False
    """Whether it only says what it would do."""

    def __post_init__(self) -> None:
        self.replica = self.replica or replica_name(self.service)

    def depends(self, name: str, check: Callable[[], Awaitable[object]], *, timeout: float = 5.0) -> None:
        """Declare a dependency; it is asked every 15 s, unless `saw` told that it answered."""
        self.dependencies[name] = Dependency(name, check, timeout)

    def saw(self, name: str) -> None:
        """Tell that a dependency has just answered."""
        self.dependencies[name].seen_at = time.monotonic()

    @asynccontextmanager
    async def loops(self) -> AsyncIterator[Loops]:
        """Start loops inside; the block is left only when one of them ends, with its exception, or by cancellation."""
        async with Together() as group:
            loops = Loops(self, group)
            loops.start("dependencies", self._look_around, silence=_PROBE_EVERY * 2)
            yield loops

    async def _look_around(self, heart: Heartbeat) -> None:
        while True:
            limits = [each.timeout for each in self.dependencies.values()]
            heart.grant(max(limits, default=0.0))
            await self.heartbeat(older_than=_PROBE_FIRST)
            known = all(each.seen_at is not None for each in self.dependencies.values())
            await heart.rest(_PROBE_EVERY if known else _PROBE_FIRST)

    async def heartbeat(self, *, older_than: float = 0.0) -> Mapping[str, str | None]:
        """Ask all dependencies at once, each within its limit; what is wrong with each, or None.

        Those that answered within the last `older_than` seconds are not asked again.
        """
        now = time.monotonic()
        due = [each for each in self.dependencies.values() if each.seen_at is None or now - each.seen_at >= older_than]
        answers = await asyncio.gather(*(each.probe() for each in due))
        return {each.name: answer for each, answer in zip(due, answers, strict=True)}

    def unready(self) -> list[str]:
        """Why the service is not ready, in words; empty when it is."""
        now = time.monotonic()
        reasons = [f"loop {h.name} has been silent for {h.silent:.0f} s" for h in self.hearts.values() if h.lost]
        for each in self.dependencies.values():
            if each.seen_at is None:
                reasons.append(f"{each.name} has not answered yet")
            elif now - each.seen_at > SEEN_WITHIN:
                reasons.append(f"{each.name} has not answered for {now - each.seen_at:.0f} s")
        if not self.hearts:
            reasons.append("it is starting")
        if self.draining:
            reasons.append("it is ending")
        return reasons


def replica_name(service: str) -> str:
    """A name of this process that no other has, nor one started later."""
    host = re.sub(r"[^A-Za-z0-9-]", "-", socket.gethostname())[:40]
    return f"{service}-{host}-{os.getpid()}-{secrets.token_hex(3)}"
