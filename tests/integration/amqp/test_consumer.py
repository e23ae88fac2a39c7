"""The consumer on a real RabbitMQ, as a user of Pulse: what it hears, when it acknowledges, what it does when it is lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence

import aio_pika
import pytest
from aio_pika.abc import AbstractIncomingMessage
from aio_pika.exceptions import AMQPError

from bridge.amqp import Consumer
from bridge.core import faults
from bridge.pulse import Binding, Delivery, Options
from tests.integration.amqp.hearing import KEY, SHORT, Ear, Pulse, channel_to, until
from tests.sandbox import process
from tests.sandbox.rabbitmq import PrivateRabbit


@pytest.fixture
async def pulse(amqp_url: str, pulse_url: str) -> AsyncIterator[Pulse]:
    pulse = Pulse(amqp_url, pulse_url)
    await pulse.declare()
    yield pulse
    async with channel_to(amqp_url) as channel:
        await channel.queue_delete(pulse.queue, timeout=SHORT)
        await channel.exchange_delete(pulse.exchange, timeout=SHORT)


def numbered(start: int, end: int) -> list[bytes]:
    return [str(number).encode() for number in range(start, end)]


async def test_messages_of_the_bound_pool_come_in_batches_with_exchange_and_key(pulse: Pulse) -> None:
    ear = Ear()
    async with pulse.listening(ear, batch=50, window=0.2) as consumer:
        await pulse.publish(*numbered(0, 120))
        await pulse.publish(b"somebody else's", key="primary.T.0.g.w.proj.others.s.G._")
        await until(lambda: len(ear.stored) == 120 and ear.told["acknowledged"] == 120)
        assert consumer.connected
        assert consumer.age < SHORT
    assert ear.bodies == set(numbered(0, 120))
    assert {(each.exchange, each.routing_key) for each in ear.stored} == {(pulse.exchange, KEY)}
    assert max(ear.batches) == 50
    assert await pulse.left() == 0


async def test_nothing_is_acknowledged_before_it_is_stored(pulse: Pulse) -> None:
    stuck = asyncio.Event()

    async def never(_: Sequence[Delivery]) -> None:
        stuck.set()
        await asyncio.Event().wait()

    async with pulse.listening(Ear(never)):
        await pulse.publish(b"kept")
        await asyncio.wait_for(stuck.wait(), SHORT)
    ear = Ear()
    async with pulse.listening(ear):
        await until(lambda: ear.bodies == {b"kept"})
    assert ear.stored[0].redelivered


async def test_what_came_while_nobody_listened_is_heard_later(pulse: Pulse) -> None:
    async with pulse.listening(Ear()):
        pass
    await pulse.publish(b"meanwhile")
    ear = Ear()
    async with pulse.listening(ear):
        await until(lambda: ear.bodies == {b"meanwhile"})


async def test_a_store_that_is_away_is_asked_ever_more_slowly_and_holds_no_more_than_the_prefetch(pulse: Pulse) -> None:
    tries: list[float] = []

    async def away(_: Sequence[Delivery]) -> None:
        tries.append(time.monotonic())
        if len(tries) < 6:
            raise faults.Unavailable("no database")

    ear = Ear(away)
    async with pulse.listening(ear, prefetch=10, batch=5):
        await pulse.publish(*numbered(0, 40))
        await until(lambda: len(tries) > 2)
        assert not ear.stored
        assert await pulse.left() >= 30
        await until(lambda: ear.told["acknowledged"] == 40)
    assert ear.told["held"] == 5
    assert ear.bodies == set(numbered(0, 40))
    assert ear.told["lost"] == 0


async def test_a_store_that_stays_away_gets_its_messages_back_into_the_queue(pulse: Pulse) -> None:
    async def away(_: Sequence[Delivery]) -> None:
        raise faults.Unavailable("no database")

    ear = Ear(away)
    async with pulse.listening(ear, patience=0.2, slowest=0.2) as consumer:
        await pulse.publish(b"kept")
        await until(lambda: ear.told["lost"] > 0)
        assert "no database" in consumer.why
        assert not ear.put_aside
        ear.trouble = None
        await until(lambda: ear.bodies == {b"kept"})
        await until(lambda: ear.told["acknowledged"] == 1)
    assert await pulse.left() == 0


async def test_a_message_that_breaks_its_handler_is_put_aside_alone(pulse: Pulse) -> None:
    async def breaks(deliveries: Sequence[Delivery]) -> None:
        if any(delivery.body.startswith(b"poison") for delivery in deliveries):
            raise ZeroDivisionError

    ear = Ear(breaks)
    async with pulse.listening(ear, window=0.3):
        await pulse.publish(b"a", b"poison 1", b"b", b"poison 2", b"\xff\x00", b"x" * 1_000_000)
        await until(lambda: ear.told["acknowledged"] == 6)
    assert ear.bodies == {b"a", b"b", b"\xff\x00", b"x" * 1_000_000}
    assert sorted(delivery.body for delivery, _ in ear.put_aside) == [b"poison 1", b"poison 2"]
    assert all(isinstance(defect, ZeroDivisionError) for _, defect in ear.put_aside)
    assert await pulse.left() == 0


async def test_a_deleted_queue_is_declared_bound_and_swept_for_at_once(pulse: Pulse) -> None:
    ear = Ear()
    async with pulse.listening(ear):
        await until(lambda: len(ear.gaps) == 1)
        await pulse.delete()
        await until(lambda: len(ear.gaps) == 2, within=5)
        await pulse.publish(b"after")
        await until(lambda: ear.bodies == {b"after"})
    assert ear.told["lost"] == 1


async def test_a_queue_that_lost_its_bindings_gets_them_back(pulse: Pulse) -> None:
    ear = Ear()
    async with pulse.listening(ear, probe=0.2):
        async with channel_to(pulse.admin) as channel:
            queue = await channel.get_queue(pulse.queue, ensure=False)
            await queue.unbind(pulse.exchange, "primary.*.*.*.*.proj.builds.#", timeout=SHORT)
        probes = ear.told["probed"]
        await until(lambda: ear.told["probed"] > probes + 1)
        await pulse.publish(b"bound")
        await until(lambda: ear.bodies == {b"bound"})
    assert ear.told["lost"] == 0


async def test_a_queue_that_was_made_again_without_its_bindings_is_bound_at_once(pulse: Pulse) -> None:
    ear = Ear()
    async with pulse.listening(ear):
        async with channel_to(pulse.admin) as channel:
            await channel.queue_delete(pulse.queue, timeout=SHORT)
            await channel.declare_queue(pulse.queue, durable=True, timeout=SHORT)
        await until(lambda: ear.told["connected"] == 2, within=5)
        await pulse.publish(b"bound")
        await until(lambda: ear.bodies == {b"bound"})


async def test_a_consumer_that_gets_nothing_of_a_queue_that_fills_is_replaced(pulse: Pulse) -> None:
    """Brought about by another consumer, which the broker prefers and which never acknowledges."""
    ear, only_one = Ear(), {"x-single-active-consumer": True}
    async with channel_to(pulse.url) as channel:
        await channel.set_qos(prefetch_count=1)
        queue = await channel.declare_queue(pulse.queue, durable=True, arguments=only_one, timeout=SHORT)
        await queue.bind(pulse.exchange, "#", timeout=SHORT)
        await queue.consume(_keep, timeout=SHORT)
        async with pulse.listening(ear, probe=0.2, arguments=only_one) as consumer:
            await pulse.publish(b"one", b"two")
            await until(lambda: ear.told["lost"] > 0)
            assert consumer.why == "messages wait in the queue and none arrives"
            await channel.close()
            await until(lambda: ear.bodies == {b"one", b"two"})


async def _keep(_: AbstractIncomingMessage) -> None:
    """Neither acknowledges nor refuses."""


async def test_a_pulse_user_needs_no_more_rights_than_pulseguardian_gives(pulse: Pulse) -> None:
    async with channel_to(pulse.url) as channel:
        with pytest.raises(AMQPError, match="ACCESS_REFUSED"):
            await channel.declare_exchange(pulse.exchange, aio_pika.ExchangeType.TOPIC, durable=True, timeout=SHORT)
    ear = Ear()
    async with pulse.listening(ear):
        await pulse.publish(b"allowed")
        await until(lambda: ear.bodies == {b"allowed"})


@pytest.mark.parametrize(
    ("queue", "exchange", "word"),
    [
        ("queue/somebody-else/x", None, "ACCESS_REFUSED"),
        (None, "exchange/not-there/v1/task-pending", "NOT_FOUND"),
    ],
)
async def test_what_the_broker_refuses_is_said_and_tried_again_without_a_crash(
    pulse: Pulse, queue: str | None, exchange: str | None, word: str
) -> None:
    ear = Ear()
    options = Options(
        lambda: pulse.url, queue or pulse.queue, (Binding(exchange or pulse.exchange, "#"),), slowest=0.2, timeout=10
    )
    consumer = Consumer(options, on_batch=ear.batch, on_poison=ear.poison, on_gap=ear.gap, told=ear.count)
    task = asyncio.create_task(consumer.run())
    await until(lambda: ear.told["lost"] >= 3)
    assert word in consumer.why
    assert not consumer.connected
    task.cancel()
    await asyncio.wait({task}, timeout=SHORT)


async def test_a_wrong_password_is_said_without_showing_it(pulse: Pulse) -> None:
    ear = Ear()
    wrong = pulse.url.replace(pulse.url.split(":")[2].split("@")[0], "canary-secret")
    options = Options(lambda: wrong, pulse.queue, (), slowest=0.2, timeout=10)
    consumer = Consumer(options, on_batch=ear.batch, on_poison=ear.poison, on_gap=ear.gap, told=ear.count)
    task = asyncio.create_task(consumer.run())
    await until(lambda: ear.told["lost"] >= 2)
    assert "canary-secret" not in consumer.why + repr(options)
    task.cancel()
    await asyncio.wait({task}, timeout=SHORT)


async def test_arguments_of_the_queue_are_passed_on(pulse: Pulse) -> None:
    arguments = {"x-message-ttl": 60_000, "x-max-length": 5000}
    async with pulse.listening(Ear(), arguments=arguments), channel_to(pulse.admin) as channel:
        # A declaration with the same arguments is accepted, any other is not.
        await channel.declare_queue(pulse.queue, durable=True, arguments=arguments, timeout=SHORT)
        with pytest.raises(AMQPError, match="PRECONDITION_FAILED"):
            await channel.declare_queue(pulse.queue, durable=True, timeout=SHORT)


async def test_a_defect_in_the_gap_callback_ends_the_listener_and_a_fault_does_not(pulse: Pulse) -> None:
    async def away(_: str) -> None:
        raise faults.Unavailable("Taskcluster is away")

    async def broken(_: str) -> None:
        raise ZeroDivisionError

    ear = Ear()
    options = Options(lambda: pulse.url, pulse.queue, (Binding(pulse.exchange, "#"),), slowest=0.2)
    consumer = Consumer(options, on_batch=ear.batch, on_poison=ear.poison, on_gap=away, told=ear.count)
    task = asyncio.create_task(consumer.run())
    await until(lambda: consumer.connected)
    await pulse.publish(b"heard")
    await until(lambda: ear.bodies == {b"heard"})
    task.cancel()
    await asyncio.wait({task}, timeout=SHORT)
    consumer = Consumer(options, on_batch=ear.batch, on_poison=ear.poison, on_gap=broken, told=ear.count)
    with pytest.raises(ExceptionGroup) as caught:
        await asyncio.wait_for(consumer.run(), SHORT)
    assert caught.group_contains(ZeroDivisionError)


async def test_cancelling_ends_it_at_once_whatever_it_waits_for(pulse: Pulse) -> None:
    async def away(_: Sequence[Delivery]) -> None:
        raise faults.Unavailable("no database")

    await _cancelled_at_once(pulse, Ear())
    await pulse.publish(b"held")
    await _cancelled_at_once(pulse, Ear(away))


async def _cancelled_at_once(pulse: Pulse, ear: Ear) -> None:
    consumer = pulse.consumer(ear, slowest=30.0)
    task = asyncio.create_task(consumer.run())
    await until(lambda: consumer.connected)
    if ear.trouble:
        await until(lambda: ear.told["held"] > 3)
    began = time.monotonic()
    task.cancel()
    await asyncio.wait({task}, timeout=SHORT)
    assert task.cancelled()
    assert time.monotonic() - began < 1.5


async def test_a_broker_that_restarts_freezes_or_is_away_is_found_again() -> None:
    with process.scratch("amqp") as directory:
        async with PrivateRabbit(directory) as broker:
            pulse = Pulse(broker.url, broker.pulse_url)
            await pulse.declare()
            ear = Ear()
            async with pulse.listening(ear, probe=0.5, timeout=2.0, heartbeat=2, slowest=1.0) as consumer:
                await pulse.publish(b"before")
                await until(lambda: ear.bodies == {b"before"})

                await broker.stop()
                await until(lambda: not consumer.connected)
                await broker.start()
                await until(lambda: consumer.connected, within=60)
                await pulse.publish(b"restarted")
                await until(lambda: b"restarted" in ear.bodies)

                await broker.kill()
                await until(lambda: not consumer.connected)
                await broker.start()
                await until(lambda: consumer.connected, within=60)
                await pulse.publish(b"killed")
                await until(lambda: b"killed" in ear.bodies)

                broker.pause()
                await until(lambda: not consumer.connected, within=30)
                broker.resume()
                await until(lambda: consumer.connected, within=60)
                await pulse.publish(b"thawed")
                await until(lambda: b"thawed" in ear.bodies)

                assert len(ear.gaps) >= 4
                broker.pause()
                began = time.monotonic()
            # Cancelled while the broker is frozen: it is not waited for.
            assert time.monotonic() - began < 4.0
            broker.resume()
