"""Pulse over AMQP: listens until cancelled, whatever happens to broker, queue or consumer.

Promises: the only user of aio_pika. A delivery is acknowledged after the callback that stored it has returned, never
before; one that cannot be stored for the moment is held and offered again, ever more slowly; one that breaks its handler
is put aside alone. The loss of connection, channel, consumer or queue is noticed by the library's signals, or else by a
look at the queue every half a minute; then all is built anew and `on_gap` is told, for messages may be gone for good: a
queue that PulseGuardian deletes takes its bindings and its content along. Cancelling ends it at once.

Does not know: what a message says, rows, Taskcluster. aio_pika's own reconnecting connection is not used: it raises
nothing and tells nobody what was lost while it was away (aio-pika issues 231 and 334).
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Never

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage, AbstractQueue
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError

from bridge.core import faults
from bridge.pulse import Delivery, OnBatch, OnGap, OnPoison, Options, Told
from bridge.together import Together

log = logging.getLogger(__name__)

_CLOSE: Final = 2.0
"""Seconds that a broker gets to say good-bye."""
_STABLE: Final = 60.0
"""Seconds after which a connection counts as a good one, and the next loss as the first."""
_FIRST: Final = 0.5


class Lost(Exception):  # noqa: N818 - its name is what happened
    """Nothing would be received any more; says why."""


_BROKEN: Final = (Lost, AMQPError, ChannelInvalidStateError, OSError, EOFError, TimeoutError)


@dataclass(slots=True)
class _Line:
    """One connection with its consumer, from the declaration of the queue to the first sign that something is wrong."""

    connection: AbstractConnection
    channel: AbstractChannel
    queue: AbstractQueue
    inbox: asyncio.Queue[AbstractIncomingMessage] = field(default_factory=asyncio.Queue)  # bounded by the prefetch
    broken: asyncio.Future[str] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    received: int = 0

    def lose(self, why: str) -> None:
        if not self.broken.done():
            self.broken.set_result(why)

    async def take(self, message: AbstractIncomingMessage) -> None:
        self.received += 1
        self.inbox.put_nowait(message)

    async def gather(self, most: int, window: float) -> list[AbstractIncomingMessage]:
        """Wait for a message, and for a moment for more."""
        batch = [await self.inbox.get()]
        try:
            async with asyncio.timeout(window):
                while len(batch) < most:
                    batch.append(await self.inbox.get())
        except TimeoutError:
            pass
        return batch


class Consumer:
    """Listens with `run` until cancelled. `connected` and `age` are for readiness and metrics."""

    def __init__(self, options: Options, *, on_batch: OnBatch, on_poison: OnPoison, on_gap: OnGap, told: Told) -> None:
        self._options = options
        self._on_batch = on_batch
        self._on_poison = on_poison
        self._on_gap = on_gap
        self._told = told
        self._storing = False
        self._heard = time.monotonic()
        self.connected = False
        self.why = "not connected yet"
        """Why it is not connected, while it is not."""

    @property
    def age(self) -> float:
        """Seconds since the last message, or since the consumer was made."""
        return time.monotonic() - self._heard

    async def run(self) -> Never:
        """Listen until cancelled; raises only what a callback raises that is no fault."""
        losses = 0
        while True:
            opened = time.monotonic()
            self.why = await self._listen()
            self._told("lost", 1)
            losses = 1 if time.monotonic() - opened > _STABLE else losses + 1
            wait = _jitter(losses, self._options.slowest)
            log.warning("pulse_lost: %s; connecting again in %.1f s", self.why, wait)
            await asyncio.sleep(wait)

    async def _listen(self) -> str:
        """Connect and listen; the reason why that ended."""
        reasons: list[str] = []
        try:
            async with self._line() as line, Together() as group:
                group.create_task(_until_broken(line))
                for work in (self._drain(line), self._watch(line), self._sweep()):
                    group.create_task(_vital(line, work))
        except* _BROKEN as broken:
            reasons = sorted({str(each) or type(each).__name__ for each in _leaves(broken)})
        finally:
            self.connected = False
        return "; ".join(reasons)

    @asynccontextmanager
    async def _line(self) -> AsyncIterator[_Line]:
        options = self._options
        async with asyncio.timeout(options.timeout):
            connection = await aio_pika.connect(
                options.url(),
                timeout=options.timeout,
                heartbeat=options.heartbeat,
                client_properties={"connection_name": options.queue},
            )
        try:
            async with asyncio.timeout(options.timeout):
                line = await self._declared(connection)
            self.connected = True
            self._told("connected", 1)
            yield line
        finally:
            await _closed(connection)

    async def _declared(self, connection: AbstractConnection) -> _Line:
        """Declare, bind and consume. Exchanges are other people's: Pulse allows to look at them, not to declare them."""
        options = self._options
        channel = await connection.channel(publisher_confirms=False)
        await channel.set_qos(prefetch_count=options.prefetch)
        for exchange in sorted({binding.exchange for binding in options.bindings}):
            await channel.get_exchange(exchange, ensure=True)
        queue = await channel.declare_queue(options.queue, durable=True, arguments=dict(options.arguments))
        line = _Line(connection, channel, queue)
        await self._bind(line)
        connection.close_callbacks.add(lambda _, why: line.lose(f"the connection was closed: {why!r}"))
        channel.close_callbacks.add(lambda _, why: line.lose(f"the channel was closed: {why!r}"))
        underlay = await channel.get_underlay_channel()
        # aio_pika does not pass this on: what a broker sends to the consumers of a queue that is deleted.
        underlay.on_consumer_cancel_callbacks.add(lambda _: line.lose("the broker cancelled the consumer"))
        await queue.consume(line.take)
        return line

    async def _bind(self, line: _Line) -> None:
        for binding in self._options.bindings:
            await line.queue.bind(binding.exchange, binding.pattern)

    async def _drain(self, line: _Line) -> None:
        options = self._options
        while True:
            batch = await line.gather(options.batch, options.window)
            self._heard = time.monotonic()
            self._told("received", len(batch))
            self._storing = True
            await self._store([_delivery(message) for message in batch])
            self._storing = False
            async with asyncio.timeout(options.timeout):
                await batch[-1].ack(multiple=True)  # messages are put into the inbox in the order of their tags
            self._told("acknowledged", len(batch))

    async def _store(self, deliveries: Sequence[Delivery]) -> None:
        try:
            await self._patiently(lambda: self._on_batch(deliveries))
        except Lost:
            raise
        except Exception as defect:  # noqa: BLE001 - one message that breaks its handler must not stop the others
            if len(deliveries) == 1:
                await self._put_aside(deliveries[0], defect)
            else:
                for delivery in deliveries:
                    await self._store([delivery])

    async def _put_aside(self, delivery: Delivery, defect: Exception) -> None:
        log.error("pulse_poison: a message from %s is put aside", delivery.exchange, exc_info=defect)
        self._told("poison", 1)
        await self._patiently(lambda: self._on_poison(delivery, defect))

    async def _sweep(self) -> None:
        try:
            await self._on_gap("connected to Pulse")
        except faults.Fault as fault:
            log.warning("pulse_gap: %s", fault)  # sweeps come by themselves as well

    async def _patiently(self, act: Callable[[], Awaitable[None]]) -> None:
        """Act; while that is not possible hold the messages, then give them back to the queue by losing the line."""
        end = time.monotonic() + self._options.patience
        attempts = 0
        while True:
            try:
                return await act()
            except faults.Unavailable as away:
                self._told("held", 1)
                if time.monotonic() > end:
                    raise Lost(f"messages could not be stored for {self._options.patience:.0f} s: {away}") from away
                attempts += 1
                await asyncio.sleep(_jitter(attempts, self._options.slowest))

    async def _watch(self, line: _Line) -> None:
        """Look at the queue now and then: a consumer can fall silent without any sign."""
        silent = 0
        while True:
            before = line.received
            await asyncio.sleep(self._options.probe)
            async with asyncio.timeout(self._options.timeout):
                ready, consumers = await self._look(line)
                await self._bind(line)  # a no-op, unless the queue came back without its bindings
            self._told("probed", 1)
            self._told("ready", ready)
            if consumers == 0:
                raise Lost("the queue has no consumer")
            idle = line.received == before and line.inbox.empty() and not self._storing
            silent = silent + 1 if ready and idle else 0
            if silent > 1:
                raise Lost("messages wait in the queue and none arrives")

    async def _look(self, line: _Line) -> tuple[int, int]:
        """Ready messages and consumers of the queue; a missing queue is an error that closes the channel, so use another."""
        async with line.connection.channel(publisher_confirms=False) as channel:
            queue = await channel.declare_queue(self._options.queue, passive=True)
            return queue.declaration_result.message_count or 0, queue.declaration_result.consumer_count or 0


async def _until_broken(line: _Line) -> Never:
    raise Lost(await line.broken)


async def _vital(line: _Line, work: Awaitable[None]) -> None:
    """Run a part of the line. The library may cancel what waits for a channel that dies: no part ends unnoticed."""
    try:
        await work
    except asyncio.CancelledError:
        line.lose("a call to the broker was cancelled")
        raise


async def _closed(connection: AbstractConnection) -> None:
    try:
        async with asyncio.timeout(_CLOSE):
            await connection.close()
    except _BROKEN:
        log.info("pulse_close: the broker did not take leave")


def _delivery(message: AbstractIncomingMessage) -> Delivery:
    return Delivery(message.exchange or "", message.routing_key or "", message.body, bool(message.redelivered))


def _jitter(attempts: int, most: float) -> float:
    """Full jitter, so that many consumers do not come back to a broker at once."""
    return random.uniform(0, min(most, _FIRST * 2 ** min(attempts, 10)))  # noqa: S311 - no secret


def _leaves(group: BaseExceptionGroup[Exception] | Exception) -> list[Exception]:
    if isinstance(group, BaseExceptionGroup):
        return [leaf for each in group.exceptions for leaf in _leaves(each)]
    return [group]
