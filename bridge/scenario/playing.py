"""Playing: time goes from one thing that happens to the next, and the bridge does what it owes in between."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

from bridge.core import faults
from bridge.core.run import RunKey
from bridge.scenario import acting
from bridge.scenario.document import Scenario
from bridge.scenario.judging import Witness, checked, differences
from bridge.scenario.master import Impossible
from bridge.scenario.played import Played
from bridge.scenario.spans import words
from bridge.scenario.steps import AnyStep, OfBridge, OfBuildbot, OfCall, OfCheck, OfTaskcluster
from bridge.scenario.telling import BEGINNING
from bridge.scenario.trouble import Crashed
from bridge.scenario.witnessing import witness
from bridge.scenario.world import World

_POLL: Final = timedelta(seconds=1)
"""Between two looks at what is due: what stays due is tried again after it."""
_LINGERS: Final = timedelta(minutes=30)
"""For so long after the last step a scenario without `until` waits for its end."""
_TURNS: Final = 200_000
"""The most that is done between two steps."""


def play(scenario: Scenario) -> Played:
    """Play it to its end. Not to be called where an event loop runs: see `Player`."""
    return asyncio.run(Player(scenario).play())


@dataclass(slots=True)
class Player:
    """Moves the world's time."""

    scenario: Scenario
    world: World = field(init=False)
    wrong: list[str] = field(default_factory=list)
    before: list[dict[str, Witness]] = field(default_factory=list)
    after: list[dict[str, Witness]] = field(default_factory=list)
    back: datetime | None = None
    crashed: bool = False
    swept: datetime = BEGINNING
    again: dict[RunKey, datetime] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.world = World(self.scenario)

    @property
    def now(self) -> datetime:
        """The file's time."""
        return self.world.notebook.now

    async def play(self) -> Played:
        """Play it to its end."""
        steps = [(BEGINNING + at, list(group)) for at, group in groupby(self.scenario.steps, lambda step: step.at)]
        last = steps[-1][0]
        try:
            for when, together in steps:
                await self._until(when)
                await self._happen(together)
            await self._until(self._end(last), may_end=True)
        except Impossible as error:
            self.wrong.append(f"at {self._clock()} the scenario cannot go on: {error}")
        return self._played()

    def _end(self, last: datetime) -> datetime:
        """How long it is played, though something may be left to do."""
        if self.scenario.until is not None:
            return BEGINNING + self.scenario.until
        return max(last, self.back or last) + _LINGERS

    def _played(self) -> Played:
        tasks = self._seen()
        found = [difference for name in self.scenario.expect for difference in self._differences(name, tasks[name])]
        defects = [f"the bridge met an error of its own: {each}" for each in self.world.notebook.defects]
        lasted = self.now - BEGINNING
        wrong = [*self.wrong, *defects, *found]
        names = {task_id: name for name, task_id in self.world.ids.items()}
        return Played(self.scenario, self.world.notebook.notes, tasks, wrong, lasted, self.before, self.after, names)

    def _differences(self, name: str, seen: Witness) -> list[str]:
        of = f"{name}: " if len(self.scenario.tasks) > 1 else ""
        return [f"{of}{each}" for each in differences(self.scenario.expect[name], seen)]

    async def _until(self, end: datetime, *, may_end: bool = False) -> None:
        """Let time pass; `may_end`: no longer than until nothing is left to do."""
        for _ in range(_TURNS):
            await self._work()
            if may_end and self._over():
                return
            if (when := self._next(end)) >= end:
                break
            self._move(when)
        else:
            raise Impossible(f"nothing is done in so long a time but the same, {_TURNS} times")
        self._move(end)
        await self._work()

    def _move(self, when: datetime) -> None:
        self.world.notebook.now = max(self.now, when)
        for key, word in self.world.queue.tick(self.now):
            self.world.notebook.step(f"taskcluster: the queue resolves the run as {word}", key)

    def _next(self, end: datetime) -> datetime:
        """When something happens next."""
        if self.back is not None:
            timer = self.world.queue.next_at() or end
            return min(max(timer, self.now), self.back) if self.back > self.now else self.now
        due = [max(when, self.again.get(key, when)) for when, key in self.world.rows.due_from()]
        times = [*due, self.swept + self.scenario.bridge.sweep, self.world.queue.next_at() or end]
        return max(self.now, min(times))

    def _over(self) -> bool:
        unresolved = any(entry.open for entry in self.world.queue.entries.values())
        return not unresolved and not self.world.rows.open() and self.back is None

    async def _happen(self, together: Sequence[AnyStep]) -> None:
        """All steps of one time; then the bridge hears of them."""
        for step in together:
            self.before.append(self._seen())
            self._do(step)
        await self._work()
        self.after += [self._seen()] * len(together)

    def _seen(self) -> dict[str, Witness]:
        return {name: witness(self.world, name) for name in self.scenario.tasks}

    def _do(self, step: AnyStep) -> None:
        if isinstance(step, OfTaskcluster | OfBuildbot) and step.unheard:
            with self.world.unheard():
                self._act(step)
        else:
            self._act(step)

    def _act(self, step: AnyStep) -> None:
        match step:
            case OfTaskcluster():
                acting.at_taskcluster(self.world, step)
            case OfBuildbot():
                acting.at_buildbot(self.world, step)
            case OfBridge():
                self._befall(step)
            case OfCall():
                self.world.trouble(step)
            case OfCheck():
                seen = witness(self.world, self.scenario.task_of(step))
                self.wrong += [f"at {self._clock()}: {each}" for each in checked(step, seen)]

    def _befall(self, step: OfBridge) -> None:
        self.world.notebook.step(f"bridge: {step.bridge}")
        if step.bridge == "rows lost":
            self.world.lose_rows(step.task)
        else:
            self._gone(step.lasts, crashed=step.bridge == "crashed")

    def _gone(self, lasts: timedelta, *, crashed: bool) -> None:
        self.back, self.crashed = self.now + lasts, crashed

    async def _work(self) -> None:
        """What the bridge does at this moment: it hears, sweeps if it is time, and pays what is due."""
        if self.back is not None:
            if self.now < self.back:
                return
            self._return()
        await self._surviving(self.world.deliver())
        if self.back is None and self.now >= self.swept + self.scenario.bridge.sweep:
            self.swept = self.now
            await self._surviving(self.world.sweep())
        while self.back is None and (due := self._due()):
            await self._surviving(self._pay(due))

    def _return(self) -> None:
        self.back = None
        if self.crashed:
            self.world.notebook.step("bridge: started again")
            self.world.begin()
            self.swept = self.now - self.scenario.bridge.sweep

    def _due(self) -> list[RunKey]:
        """What is due, and was not tried at this moment."""
        rows = self.world.rows.due_from()
        return [key for when, key in rows if max(when, self.again.get(key, when)) <= self.now]

    async def _pay(self, due: Sequence[RunKey]) -> None:
        for key in due:
            self.again[key] = self.now + _POLL
            await self.world.engine.attend(key)
            await self.world.deliver()

    async def _surviving(self, work: Awaitable[None]) -> None:
        """A crash ends the process, and not the play; what is away for a sweep is away for this one."""
        try:
            await work
        except Crashed:
            self.world.notebook.step("bridge: crashed in the call")
            self._gone(timedelta(seconds=30), crashed=True)
        except faults.Fault as fault:
            self.world.notebook.away("a side", fault)

    def _clock(self) -> str:
        return words(self.now - BEGINNING)
