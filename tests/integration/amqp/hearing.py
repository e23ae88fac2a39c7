"""A listener that keeps what it hears, and a publisher as Taskcluster's: topic exchanges of its own."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel

from bridge.amqp import Consumer
from bridge.pulse import Binding, Delivery, Options

SHORT = 20.0
OURS = "primary.*.*.*.*.proj.builds.#"
KEY = "primary.T.0.g.w.proj.builds.s.G._"


async def until(condition: Callable[[], bool], within: float = SHORT) -> None:
    """Wait for a condition; fails after the deadline."""
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def channel_to(url: str) -> AsyncIterator[AbstractChannel]:
    connection = await aio_pika.connect(url, timeout=SHORT)
    async with connection:
        yield await connection.channel()


@dataclass(slots=True)
class Ear:
    """Keeps every delivery that it says it has stored. `trouble` is called first, and may raise."""

    trouble: Callable[[Sequence[Delivery]], Awaitable[None]] | None = None
    stored: list[Delivery] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    put_aside: list[tuple[Delivery, Exception]] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    told: Counter[str] = field(default_factory=Counter)

    async def batch(self, deliveries: Sequence[Delivery]) -> None:
        if self.trouble:
            await self.trouble(deliveries)
        self.stored += deliveries
        self.batches.append(len(deliveries))

    async def poison(self, delivery: Delivery, defect: Exception) -> None:
        self.put_aside.append((delivery, defect))

    async def gap(self, why: str) -> None:
        self.gaps.append(why)

    def count(self, what: str, number: int) -> None:
        self.told[what] += number

    @property
    def bodies(self) -> set[bytes]:
        return {delivery.body for delivery in self.stored}


@dataclass(slots=True)
class Pulse:
    """A broker, and names on it that no other test has."""

    admin: str
    url: str
    word: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def queue(self) -> str:
        return f"queue/bridge-pulse/{self.word}"

    @property
    def exchange(self) -> str:
        return f"exchange/queue-{self.word}/v1/task-pending"

    def consumer(self, ear: Ear, **other: Any) -> Consumer:
        chosen: dict[str, Any] = {"probe": 30.0, "slowest": 0.5, "timeout": 10.0}
        options = Options(lambda: self.url, self.queue, (Binding(self.exchange, OURS),), **chosen | other)
        return Consumer(options, on_batch=ear.batch, on_poison=ear.poison, on_gap=ear.gap, told=ear.count)

    @asynccontextmanager
    async def listening(self, ear: Ear, **other: Any) -> AsyncIterator[Consumer]:
        consumer = self.consumer(ear, **other)
        task = asyncio.create_task(consumer.run())
        try:
            await until(lambda: consumer.connected or task.done())
            yield consumer
            assert not task.done(), task.exception()
        finally:
            task.cancel()
            await asyncio.wait({task}, timeout=SHORT)

    async def declare(self) -> None:
        async with channel_to(self.admin) as channel:
            await channel.declare_exchange(self.exchange, aio_pika.ExchangeType.TOPIC, durable=True, timeout=SHORT)

    async def publish(self, *bodies: bytes, key: str = KEY) -> None:
        async with channel_to(self.admin) as channel:
            exchange = await channel.get_exchange(self.exchange, ensure=False)
            for body in bodies:
                message = aio_pika.Message(body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
                await exchange.publish(message, key, mandatory=False, timeout=SHORT)

    async def left(self) -> int:
        """Messages that wait in the queue; those held by a consumer are not among them."""
        async with channel_to(self.admin) as channel:
            queue = await channel.declare_queue(self.queue, passive=True, timeout=SHORT)
            return queue.declaration_result.message_count or 0

    async def delete(self) -> None:
        async with channel_to(self.admin) as channel:
            await channel.queue_delete(self.queue, timeout=SHORT)
