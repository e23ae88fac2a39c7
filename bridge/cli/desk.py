"""Where operators act from: the house opened for one command, who acts and why, and the record of it."""

from __future__ import annotations

import getpass
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bridge import assembly, logs
from bridge.assembly import House
from bridge.metrics import Metrics
from bridge.service import replica_name
from bridge.settings import Settings
from bridge.store import checkup
from bridge.store.steering import Operators
from bridge.telling import Telling
from bridge.web.health import release

Said = tuple[Any, str]
"""The same for programs and for people."""


@dataclass(frozen=True, slots=True)
class By:
    """Who acts, and why. `trial`: only say what would be done."""

    who: str
    why: str
    trial: bool


@dataclass(frozen=True, slots=True)
class Desk:
    """What an act needs; each act that changes something ends with `note`."""

    house: House
    operators: Operators
    by: By

    async def note(self, verb: str, target: str, outcome: str) -> None:
        """Keep what was done, for all who look later."""
        await self.operators.note(self.by.who, verb, target, self.by.why, outcome)


@asynccontextmanager
async def opened(settings: Settings, by: By) -> AsyncIterator[Desk]:
    """Open the house as a service does, without any of its loops."""
    metrics, name = Metrics("bbb", release()), replica_name("bbb")
    # What the engine logs on the way is said by the command itself; standard output is for its answer alone.
    logs.configure(settings.log.format, "ERROR", settings.secret_texts, stream=sys.stderr, service="bbb", replica=name)
    with checkup.refusals_in_words():
        async with assembly.opened(settings, name, Telling(metrics), metrics.call) as house:
            await house.clock.ask(house.database)
            yield Desk(house, Operators(house.database), by)


def me() -> str:
    """Who acts, unless they say otherwise: the account and the machine."""
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (KeyError, OSError):  # an account without a name, as in some containers
        return socket.gethostname()
