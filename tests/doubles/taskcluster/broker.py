"""Publishes the ledger's outbox to a real RabbitMQ, and tells the ledger when the broker is away."""

import asyncio
import json
import logging
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

import aio_pika
import aiormq.exceptions
import pamqp.commands
from aio_pika.abc import AbstractConnection, AbstractExchange

from tests.doubles.taskcluster.ledger import Ledger
from tests.doubles.taskcluster.messages import EXCHANGE_PREFIX, EXCHANGES
from tests.doubles.taskcluster.model import Message

AWAY = (aiormq.exceptions.AMQPError, aio_pika.exceptions.AMQPException, OSError, TimeoutError, RuntimeError)
TIMEOUT_SECONDS = 10
RETRY_SECONDS = 0.3
RECENT = 20_000  # messages kept for tests to look at


@dataclass(slots=True)
class Broker:
    """One connection to RabbitMQ; without a URL messages are only remembered."""

    ledger: Ledger
    url: str | None
    recent: deque[Message] = field(default_factory=lambda: deque(maxlen=RECENT))
    sent: Counter[str] = field(default_factory=Counter)
    forced_away: bool = False
    _exchanges: dict[str, AbstractExchange] = field(default_factory=dict)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _down: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def connected(self) -> bool:
        return self.url is None or bool(self._exchanges)

    def update(self) -> None:
        """Tell the ledger whether the broker can be reached."""
        up = self.connected and not self.forced_away
        if up and not self.ledger.broker_up:
            self.ledger.broker_returns()
        self.ledger.broker_up = up

    async def run(self, ready: Callable[[], None]) -> None:
        """Keep a connection for as long as the server runs; `ready` is called once, when first connected."""
        if self.url is None:
            ready()
            return
        while True:
            try:
                connection = await self._connect(self.url)
            except AWAY:
                await asyncio.sleep(RETRY_SECONDS)
                continue
            async with connection:
                self.update()
                ready()
                await self._down.wait()
                self._exchanges.clear()
                self.update()

    async def _connect(self, url: str) -> AbstractConnection:
        self._down = asyncio.Event()
        connection = await aio_pika.connect(url, timeout=TIMEOUT_SECONDS, heartbeat=10)
        down = self._down
        connection.close_callbacks.add(lambda *_: down.set())
        async with asyncio.timeout(TIMEOUT_SECONDS):
            channel = await connection.channel(publisher_confirms=False)
            channel.close_callbacks.add(lambda *_: down.set())
            self._exchanges = {
                name: await channel.declare_exchange(EXCHANGE_PREFIX + name, aio_pika.ExchangeType.TOPIC, durable=True)
                for name in EXCHANGES
            }
        return connection

    async def flush(self) -> None:
        """Send all that is in the outbox; what the broker does not take is lost, as from the real queue."""
        async with self._turn:
            while self.ledger.outbox:
                outbox, self.ledger.outbox = self.ledger.outbox, []
                for message in outbox:
                    await self._send(message)

    async def _send(self, message: Message) -> None:
        self.recent.append(message)
        self.sent[message.exchange] += 1
        exchange = self._exchanges.get(message.exchange)
        if exchange is None:
            return
        try:
            await exchange.publish(_amqp(message), message.routing_key, mandatory=False, timeout=TIMEOUT_SECONDS)
        except AWAY:
            logging.getLogger(__name__).warning("message lost: %s %s", message.exchange, message.routing_key)
            self._down.set()


class _Unnamed(pamqp.commands.Basic.Properties):
    """Properties that take no message id: aiormq gives one to every message, the real queue to none."""

    @property
    def message_id(self) -> None:
        return None

    @message_id.setter
    def message_id(self, _: str | None) -> None:
        """Take no id."""


class _Pulse(aio_pika.Message):
    @property
    def properties(self) -> pamqp.commands.Basic.Properties:
        known = super().properties
        return _Unnamed(**{name: getattr(known, name) for name in _Unnamed.attributes() if name != "message_id"})


def _amqp(message: Message) -> aio_pika.Message:
    """Write a message with the properties of the real queue: CC, persistent, no id, no timestamp."""
    return _Pulse(
        json.dumps(message.body).encode(),
        headers={"CC": list(message.cc)},
        content_type="application/json",
        content_encoding="utf-8",
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        priority=0,
    )
