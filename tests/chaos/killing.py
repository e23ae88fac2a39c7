"""The replicas' lives: started with an arm at one of their points, killed at it or at a random moment, started again."""

import asyncio
import contextlib
import random
import signal
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from tests.chaos.house import House
from tests.chaos.replicas import Arm, Replica
from tests.sandbox.process import became_true
from tests.sandbox.stack import SERVICES

NAMES: Final = tuple(f"{service}{suffix}" for service in SERVICES for suffix in ("", ".2"))
FROZEN: Final = 35.0
"""Seconds of a SIGSTOP: longer than the lease of a row, which is 30."""
Point = tuple[str, str, str]
"""Service, effect, `before` or `after`."""


@dataclass
class Killer:
    """Keeps all replicas running, and kills them. What is random comes from the seed, for each line of work by itself."""

    house: House
    seed: str
    """Of the round."""
    running: dict[str, Replica] = field(default_factory=dict)
    killed: Counter[str] = field(default_factory=Counter)
    """By how: `point` or `random`."""
    known: set[Point] = field(default_factory=set)
    hit: Counter[Point] = field(default_factory=Counter)
    fallen: list[str] = field(default_factory=list)
    """Replicas that ended by themselves."""
    refused: int = 0
    """Starts on a database without tables: a service refuses it and says what to do, its supervisor starts it again."""
    frozen: int = 0
    """How many slept for longer than a lease lasts."""
    asleep: set[int] = field(default_factory=set)
    _goal: int = 0

    @property
    def done(self) -> int:
        return self.killed.total()

    async def keep(self, name: str) -> None:
        """Run a replica, again and again; to be cancelled, which ends it in good order."""
        rng = random.Random(f"{self.seed} {name}")
        while True:
            arm = self._arm(name, rng) if self.done < self._goal else None
            replica = self.running[name] = await self.house.zygote.start(name, arm=arm)
            try:
                status = await asyncio.shield(replica.ended)
            except asyncio.CancelledError:
                await self._ended_in_order(replica)
                raise
            self._count(replica, status)
            await asyncio.sleep(rng.uniform(0, 3) if self.done < self._goal else 0.1)

    async def _ended_in_order(self, replica: Replica) -> None:
        replica.tell(signal.SIGTERM)
        await asyncio.wait([replica.ended], timeout=15)
        if replica.alive or replica.ended.result() != 0:
            self.fallen.append(f"{replica.name} did not end in order when asked to")
            replica.tell(signal.SIGKILL)
            await replica.ended

    def _count(self, replica: Replica, status: int) -> None:
        points = replica.points()
        self.known |= {(replica.service, effect, when) for _, effect, when in points}
        hits = [(replica.service, effect, when) for how, effect, when in points if how == "hit"]
        self.hit.update(hits)
        self.house.note(f"{replica.name} ({replica.pid}) ended with {status}{f' at {hits[0][1:]}' if hits else ''}")
        if status == -signal.SIGKILL:
            self.killed["point" if hits else "random"] += 1
        elif "run `bbb migrate`" in replica.last_words():
            self.refused += 1
        else:
            self.fallen.append(f"{replica.name} ended with {status}")

    def learn(self) -> None:
        """Look at the points that running replicas have passed."""
        for replica in self.running.values():
            self.known |= {(replica.service, effect, when) for _, effect, when in replica.points()}

    def _arm(self, name: str, rng: random.Random) -> Arm | None:
        """A point of the service, rather one where nobody died yet."""
        service = name.partition(".")[0]
        points = sorted({(effect, when) for of, effect, _ in self.known if of == service for when in ("before", "after")})
        if not points:
            return None
        weights = [1 / (1 + self.hit[service, effect, when]) ** 3 for effect, when in points]
        effect, when = rng.choices(points, weights)[0]
        return effect, when, rng.choice((0, 0, 0, 1, 2))

    async def work(self, upto: int, pace: float) -> None:
        """Kill until there were `upto` kills in all, one in `pace` seconds on average: at points, or else at random.

        Arms count only while a kill is due; when none is reached for a while, a replica is killed where it stands.
        """
        rng = random.Random(f"{self.seed} kills")
        self._goal = upto
        while self.done < upto:
            before = self.done
            await asyncio.sleep(rng.expovariate(1 / pace))
            self.house.zygote.armed(on=True)
            await became_true(lambda before=before: self.done > before, rng.choice((0, 1, 3, 6)))  # type: ignore[misc]
            self.house.zygote.armed(on=False)
            self.learn()
            if self.done == before:
                await self._kill_one(rng)

    async def _kill_one(self, rng: random.Random) -> None:
        alive = [replica for replica in self.running.values() if replica.alive and replica.pid not in self.asleep]
        if alive:
            victim = rng.choice(alive)
            victim.tell(signal.SIGKILL)
            await asyncio.wait([victim.ended], timeout=5)

    async def freeze(self, end: asyncio.Event, pause: float) -> None:
        """Stop a replica for longer than a lease lasts, now and then; it goes on where it was."""
        rng = random.Random(f"{self.seed} freezes")
        while not end.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(end.wait(), rng.expovariate(1 / pause))
                return
            replica = self.running.get(rng.choice(NAMES))
            if replica is None or not replica.alive:
                continue
            await self._sleeps(replica, end)

    async def _sleeps(self, replica: Replica, end: asyncio.Event) -> None:
        """Whoever is killed meanwhile is somebody else."""
        self.asleep.add(replica.pid)
        replica.tell(signal.SIGSTOP)
        self.house.note(f"{replica.name} ({replica.pid}) is frozen")
        try:
            await asyncio.wait_for(end.wait(), FROZEN)
        except TimeoutError:
            self.frozen += 1
        replica.tell(signal.SIGCONT)
        self.asleep.discard(replica.pid)
        self.house.note(f"{replica.name} ({replica.pid}) goes on")
