"""The private RabbitMQ can be trusted with crash tests, and its Pulse user has the rights that PulseGuardian gives."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from tests.integration.sandbox.sockets import addresses_listened_on
from tests.sandbox import process
from tests.sandbox.rabbitmq import PrivateRabbit

SHORT = 10


@asynccontextmanager
async def channel_to(url: str) -> AsyncIterator[AbstractChannel]:
    connection = await aio_pika.connect(url, timeout=SHORT)
    async with connection:
        yield await connection.channel()


@pytest.fixture
def word() -> str:
    """Keeps the names of one test apart from all others on the shared broker."""
    return uuid.uuid4().hex


async def put(url: str, queue: str, body: bytes) -> None:
    async with channel_to(url) as channel:
        message = aio_pika.Message(body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await channel.default_exchange.publish(message, queue, timeout=SHORT)


async def test_the_broker_keeps_its_address_and_its_messages_over_an_orderly_stop_and_a_kill(amqp_url: str) -> None:
    with process.scratch("rabbitmq") as directory:
        async with PrivateRabbit(directory) as broker:
            address = broker.url
            assert address != amqp_url  # a second one beside the run's own
            async with channel_to(broker.url) as channel:
                await channel.declare_queue("kept", durable=True, timeout=SHORT)
            await put(broker.url, "kept", b"stop")
            await broker.stop()
            await broker.start()
            await put(broker.url, "kept", b"kill")
            family = (broker.pid, *process.descendants(broker.pid))
            await broker.kill()
            assert not any(process.running(pid) for pid in family)
            await broker.start()
            assert broker.url == address
            async with channel_to(broker.url) as channel:
                queue = await channel.declare_queue("kept", passive=True, timeout=SHORT)
                bodies = [(await queue.get(no_ack=True, timeout=SHORT)).body for _ in range(2)]
            assert bodies == [b"stop", b"kill"]


async def test_all_of_the_broker_listens_on_loopback_only_and_runs_without_roots_rights() -> None:
    with process.scratch("rabbitmq") as directory:
        async with PrivateRabbit(directory, management=True) as broker:
            listened = addresses_listened_on(broker.pid)
            assert {address for address, _ in listened} == {"127.0.0.1"}
            assert len(listened) == 3  # AMQP, Erlang's distribution, management
            assert Path(f"/proc/{broker.pid}").stat().st_uid != 0


async def test_a_paused_broker_does_not_answer_until_it_is_resumed() -> None:
    with process.scratch("rabbitmq") as directory:
        async with PrivateRabbit(directory) as broker:
            broker.pause()
            with pytest.raises(TimeoutError):
                await aio_pika.connect(broker.url, timeout=1)
            broker.resume()
            async with channel_to(broker.url) as channel:
                await channel.declare_queue("answers", timeout=SHORT)


async def test_the_pulse_user_may_bind_its_own_queue_to_a_foreign_exchange(amqp_url: str, pulse_url: str, word: str) -> None:
    exchange, queue = f"exchange/taskcluster-queue/{word}", f"queue/bridge-pulse/{word}"
    async with channel_to(amqp_url) as admin, channel_to(pulse_url) as pulse:
        theirs = await admin.declare_exchange(exchange, aio_pika.ExchangeType.TOPIC, timeout=SHORT)
        ours = await pulse.declare_queue(queue, timeout=SHORT)
        await ours.bind(exchange, "#", timeout=SHORT)
        await theirs.publish(aio_pika.Message(b"news"), "any.key", timeout=SHORT)
        got = await ours.get(no_ack=True, timeout=SHORT)
        assert got.body == b"news"
        await ours.delete(timeout=SHORT)
        await theirs.delete(timeout=SHORT)


async def test_the_pulse_user_may_not_make_a_queue_outside_its_name(pulse_url: str, word: str) -> None:
    async with channel_to(pulse_url) as pulse:
        with pytest.raises(aio_pika.exceptions.ChannelClosed, match="ACCESS_REFUSED"):
            await pulse.declare_queue(f"queue/somebody-else/{word}", timeout=SHORT)


async def test_the_pulse_user_may_not_read_a_foreign_queue(amqp_url: str, pulse_url: str, word: str) -> None:
    async with channel_to(amqp_url) as admin, channel_to(pulse_url) as pulse:
        theirs = await admin.declare_queue(f"queue/somebody-else/{word}", timeout=SHORT)
        foreign = await pulse.get_queue(theirs.name, ensure=False)
        with pytest.raises(aio_pika.exceptions.ChannelClosed, match="ACCESS_REFUSED"):
            await foreign.get(timeout=SHORT)
        await theirs.delete(timeout=SHORT)


async def test_the_pulse_user_may_not_write_to_a_foreign_exchange(amqp_url: str, pulse_url: str, word: str) -> None:
    async with channel_to(amqp_url) as admin, channel_to(pulse_url) as pulse:
        theirs = await admin.declare_exchange(f"exchange/taskcluster-queue/{word}", timeout=SHORT)
        forged = await pulse.get_exchange(theirs.name, ensure=False)
        with pytest.raises(aio_pika.exceptions.ChannelClosed, match="ACCESS_REFUSED"):
            await forged.publish(aio_pika.Message(b"forged"), "any.key", timeout=SHORT)
        await theirs.delete(timeout=SHORT)
