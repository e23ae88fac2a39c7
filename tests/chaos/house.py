"""The stack with a wire in front of every server, and what is done to its servers."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import aio_pika
from aio_pika.exceptions import AMQPError

from tests.chaos.replicas import Zygote
from tests.chaos.wires import Wire
from tests.sandbox.postgres import create_database, drop_database
from tests.sandbox.stack import Plan, Stack

BUILDERS: Final = Path(__file__).with_name("builders.cfg")
PERIODS: Final = {"pollSeconds": 0.5, "deadlineDelaySeconds": 1, "claimSeconds": 180, "publishSeconds": 2}
SWEEPS: Final = {"interval": 5, "states_interval": 5, "strangers_interval": 10}
SIDES: Final = ("postgres", "rabbit", "taskcluster", "buildbot")
AWAY: Final = (OSError, TimeoutError, AMQPError)
"""What a server that is away makes of an attempt to harm it."""
PULSE_QUEUE: Final = "queue/bridge-pulse/buildbot-bridge"


class House:
    """All that a run of chaos works with."""

    def __init__(self, stack: Stack, wires: dict[str, Wire], zygote: Zygote) -> None:
        self.stack = stack
        self.wires = wires
        self.zygote = zygote

    def note(self, words: str) -> None:
        """Write down what is done, beside the logs of those to whom it is done."""
        with (self.stack.directory / "chaos.log").open("a") as log:
            log.write(f"{datetime.now(UTC):%H:%M:%S.%f} {words}\n")

    # --- what can be done to servers; each returns when it is healed. `for_` is in seconds.

    async def postgres_restarted(self, for_: float) -> None:
        """Stopped without a checkpoint; what it had not written is gone, for it is not durable."""
        await self.stack.postgres.stop("immediate")
        await asyncio.sleep(for_)
        await self.stack.postgres.start()

    async def rabbit_restarted(self, for_: float) -> None:
        await self.stack.rabbit.stop()
        await asyncio.sleep(for_)
        await self.stack.rabbit.start()

    async def queue_deleted(self, for_: float) -> None:
        """As PulseGuardian deletes it, with bindings and content."""
        async with await aio_pika.connect(self.stack.rabbit.url, timeout=10) as connection:
            channel = await connection.channel()
            await channel.queue_delete(PULSE_QUEUE, timeout=10)
        await asyncio.sleep(for_)

    async def buildbot_killed(self, for_: float) -> None:
        await self.stack.buildbot.kill()
        await asyncio.sleep(for_)
        await self.stack.buildbot.start()

    async def buildbot_restarted(self, for_: float) -> None:
        """Gracefully: the builds that run end as cancelled."""
        await self.stack.buildbot.stop()
        await asyncio.sleep(for_)
        await self.stack.buildbot.start()

    async def credentials_revoked(self, for_: float) -> None:
        """The bridge's client is unknown, or may do nothing; later it is as before."""
        known = {"accessToken": self.stack.key, "scopes": self.stack.scopes()}
        await self.stack.control(
            "PUT", "clients", bridge={**known, "accessToken": "another-token-of-44-characters-for-the-bridge"}
        )
        await asyncio.sleep(for_ / 2)
        await self.stack.control("PUT", "clients", bridge={**known, "scopes": []})
        await asyncio.sleep(for_ / 2)
        await self.stack.control("PUT", "clients", bridge=known)

    async def database_dropped(self, for_: float) -> None:
        """Gone with all rows; made anew, without tables at first."""
        server = self.stack.postgres.dsn()
        await drop_database(server, "bridge")
        await asyncio.sleep(for_ / 2)
        await create_database(server, "bridge")
        await asyncio.sleep(for_ / 2)
        await self.migrated()

    async def migrated(self) -> None:
        """Bring the database up to date, as `bbb migrate` does."""
        migrate = await self.zygote.start("migrate", "migrate")
        status = await asyncio.wait_for(asyncio.shield(migrate.ended), 60)
        if status:
            raise AssertionError(f"bbb migrate ended with {status}; see migrate.log")

    def heal(self) -> None:
        """Make every wire whole."""
        for wire in self.wires.values():
            wire.heal()


@asynccontextmanager
async def opened(directory: Path, rng: random.Random, *, durable: bool = False) -> AsyncIterator[House]:
    """The whole house; no replica runs yet."""
    plan = Plan(BUILDERS.read_text(), workers=1, durable=durable, periods=PERIODS, settings={"reflector": SWEEPS})
    async with AsyncExitStack() as exits:
        wires = {side: await exits.enter_async_context(Wire(random.Random(rng.random()))) for side in SIDES}
        stack = await exits.enter_async_context(Stack(directory, plan))
        _through(stack, wires)
        zygote = await exits.enter_async_context(Zygote(directory, stack.config))
        yield House(stack, wires, zygote)


def _through(stack: Stack, wires: dict[str, Wire]) -> None:
    """Lead the services' settings through the wires; the harness itself goes straight."""
    pulse = stack.directory / "secret-pulse-by-wire"
    pulse.touch(mode=0o600)
    pulse.write_text(_led(stack.rabbit.pulse_url, wires["rabbit"]))
    settings: dict[str, Any] = {
        "taskcluster": {"root_url": _led(stack.root_url, wires["taskcluster"]).rstrip("/")},
        "pulse": {"url_file": str(pulse)},
        "database": {"dsn": _led(stack.dsn, wires["postgres"])},
        "buildbots": {"main": {"url": _led(stack.buildbot.url, wires["buildbot"])}},
    }
    stack.configure(settings)


def _led(url: str, wire: Wire) -> str:
    parts = urlsplit(url)
    assert parts.port is not None
    wire.target = parts.port
    return urlunsplit(parts._replace(netloc=parts.netloc.replace(f":{parts.port}", f":{wire.port}")))
