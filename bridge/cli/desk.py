"""The house opened for one act of an operator, and who they are."""

from __future__ import annotations

import asyncio
import getpass
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from bridge import assembly, logs
from bridge.metrics import Metrics
from bridge.service import replica_name
from bridge.settings import Settings
from bridge.steering.desk import By, Desk
from bridge.store import checkup
from bridge.store.steering import Operators
from bridge.telling import Telling
from bridge.web.health import release

_T = TypeVar("_T")
NOBODY = By("", "", trial=True)
"""Who only looks."""


def done(settings: Settings, by: By, act: Callable[[Desk], Awaitable[_T]]) -> _T:
    """Do one act, with a house opened for it."""

    async def within() -> _T:
        async with opened(settings, by) as here:
            return await act(here)

    return asyncio.run(within())


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
