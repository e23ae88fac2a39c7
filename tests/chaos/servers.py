"""The deck of faults of servers and wires: shuffled by the seed, dealt one after the other, each healed before the next."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, get_args

from tests.chaos.house import AWAY, SIDES, House
from tests.chaos.wires import Harm

Deal = Callable[[House, random.Random], Awaitable[None]]


def _server(name: str, least: float, most: float) -> Deal:
    async def deal(house: House, rng: random.Random) -> None:
        await getattr(house, name)(rng.uniform(least, most))

    return deal


def _wire(side: str, harm: Harm) -> Deal:
    async def deal(house: House, rng: random.Random) -> None:
        wire = house.wires[side]
        wire.harm(harm, rng.uniform(0.05, 0.5))
        await asyncio.sleep(rng.uniform(3, 22 if harm == "stall" else 6))
        wire.heal()

    return deal


SERVERS: Final[tuple[tuple[str, int, Deal], ...]] = (
    ("postgres_restarted", 6, _server("postgres_restarted", 0, 4)),
    ("rabbit_restarted", 6, _server("rabbit_restarted", 0, 4)),
    ("queue_deleted", 2, _server("queue_deleted", 0, 1)),
    ("buildbot_killed", 3, _server("buildbot_killed", 0, 4)),
    ("buildbot_restarted", 3, _server("buildbot_restarted", 0, 4)),
    ("credentials_revoked", 1, _server("credentials_revoked", 2, 12)),
    ("database_dropped", 2, _server("database_dropped", 0, 6)),
)
WIRES: Final = tuple((f"{side}_{harm}", 1, _wire(side, harm)) for side in SIDES for harm in get_args(Harm))
CARDS: Final = {name: deal for name, _, deal in (*SERVERS, *WIRES)}
COPIES: Final = {name: copies for name, copies, _ in (*SERVERS, *WIRES)}


@dataclass
class Deck:
    """Which fault comes next: every card comes before any comes once more."""

    rng: random.Random
    dealt: Counter[str] = field(default_factory=Counter)
    _left: list[str] = field(default_factory=list)

    def draw(self) -> str:
        """Take the next card."""
        if not self._left:
            self._left = [name for name, copies in COPIES.items() for _ in range(copies)]
            self.rng.shuffle(self._left)
        return self._left.pop()

    async def play(self, house: House, end: asyncio.Event, pause: float) -> None:
        """Deal until the end, with pauses of so many seconds on average."""
        while not end.is_set():
            name = self.draw()
            house.note(f"{name} begins")
            try:
                await CARDS[name](house, self.rng)
                self.dealt[name] += 1
                house.note(f"{name} is healed")
            except AWAY as away:  # the server was not there to be harmed so
                house.note(f"{name} could not be done: {away!r}")
            await asyncio.sleep(self.rng.expovariate(1 / pause))
