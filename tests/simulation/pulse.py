"""Pulse: one queue of messages that services share, and a consumer that keeps the promises of `bridge.amqp`."""

import asyncio
import json
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from random import Random

from bridge.core import faults
from bridge.pulse import Delivery
from bridge.taskcluster.messages import EXCHANGES
from listeners.taskcluster import Listener
from tests.doubles.taskcluster.model import Message
from tests.simulation.fabric import Fabric, Machine

_HEARD = frozenset({"task-pending", "task-exception"})
_BATCH = 100


class Broker:
    """The deployment's queue. Messages come late, twice, in any order, or not at all, as `random` and `troubled` say."""

    def __init__(self, fabric: Fabric, random: Random) -> None:
        self._fabric, self._random = fabric, random
        self.lossy = self.doubling = 0.0
        self.reordering = False
        self.away_until = 0.0
        self.life = 0
        self._ready: deque[Delivery] = deque()
        self._unacked: dict[Machine, list[Delivery]] = {}
        self._waiting: list[Callable[[], None]] = []

    def publish(self, message: Message) -> None:
        """Take what the queue service tells."""
        if message.exchange not in _HEARD or message.task_id is None:
            return
        names = {"taskId": message.task_id, "taskQueueId": message.body["status"]["taskQueueId"]}
        body = json.dumps({"runId": message.body["runId"], "status": names}).encode()
        delivery = Delivery(EXCHANGES + message.exchange, message.routing_key, body)
        for _ in range(self._copies()):
            late = self._random.uniform(0, 20.0) if self.reordering and self._random.random() < 0.5 else 0.01
            self._fabric.loop.later(late, self._arrive, self.life, delivery)

    def _copies(self) -> int:
        if self._random.random() < self.lossy:
            return 0
        return 2 if self._random.random() < self.doubling else 1

    def _arrive(self, life: int, delivery: Delivery) -> None:
        if life == self.life:
            self._ready.append(delivery)
            self._wake()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for woken in waiting:
            woken()

    def lose(self, down: float, *, deleted: bool) -> None:
        """Drop all connections; with `deleted` the queue is gone, with all that was in it."""
        self.away_until = self._fabric.loop.now + down
        self.life += 1
        for machine in list(self._unacked):
            self.gone(machine)
        if deleted:
            self._ready.clear()
        self._wake()

    def gone(self, machine: Machine) -> None:
        """A consumer is gone: what it did not acknowledge is delivered again."""
        self._ready.extendleft(reversed(self._unacked.pop(machine, [])))
        self._wake()

    def take(self, machine: Machine) -> list[Delivery]:
        """Some messages, which stay here until they are acknowledged."""
        batch = [self._ready.popleft() for _ in range(min(_BATCH, len(self._ready)))]
        if batch:
            self._unacked[machine] = batch
        return batch

    def acknowledge(self, machine: Machine) -> None:
        self._unacked.pop(machine, None)

    def news(self) -> "asyncio.Future[None]":
        """Done when there may be something to take."""
        woken: asyncio.Future[None] = self._fabric.loop.create_future()

        def wake() -> None:
            if not woken.done():
                woken.set_result(None)

        self._waiting.append(wake)
        return woken


class Lost(Exception):  # noqa: N818 - its name is what happened
    """The connection is gone."""


class Consumer:
    """Listens with `run` until cancelled: acknowledges what was stored, and tells of every gap."""

    def __init__(self, broker: Broker, machine: Machine, fabric: Fabric, listener: Listener) -> None:
        self._broker, self._machine, self._fabric, self._listener = broker, machine, fabric, listener

    async def run(self, _heart: object) -> None:
        """Connect, say that there may be a gap, take messages; again when the connection is lost."""
        while True:
            try:
                await self._listen()
            except (Lost, faults.Unavailable):
                await asyncio.sleep(1.0)

    async def _listen(self) -> None:
        life = await self._fabric.call(self._machine, "pulse", "connect", self._connect)
        async with asyncio.TaskGroup() as group:
            sweep = group.create_task(self._gap())
            try:
                await self._drain(life)
            except Lost:
                sweep.cancel()

    async def _gap(self) -> None:
        with suppress(faults.Fault):  # sweeps come by themselves as well
            await self._listener.catch_up("connected to Pulse")

    def _connect(self) -> int:
        if self._broker.away_until > self._fabric.loop.now:
            raise faults.Unavailable("no broker")
        return self._broker.life

    async def _drain(self, life: int) -> None:
        while True:
            news = self._broker.news()
            batch = self._broker.take(self._machine) if life == self._broker.life else []
            if batch:
                await self._store(batch)
                await self._acknowledge()
            elif life != self._broker.life:
                raise Lost
            else:
                await news

    async def _acknowledge(self) -> None:
        try:
            await self._fabric.call(self._machine, "pulse", "ack", lambda: self._broker.acknowledge(self._machine))
        except faults.Unavailable:
            self._broker.gone(self._machine)
            raise Lost from None

    async def _store(self, batch: list[Delivery]) -> None:
        while True:
            try:
                return await self._listener.hear(batch)
            except faults.Unavailable:
                await asyncio.sleep(0.5)
