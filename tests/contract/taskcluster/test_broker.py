"""Pulse messages on a real RabbitMQ: keys, properties, and what happens while the broker cannot be reached."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable

import aio_pika
import aiohttp
import pytest
import taskcluster
import taskcluster.aio
from aio_pika.abc import AbstractIncomingMessage, AbstractQueue
from yarl import URL

from tests.contract.taskcluster.conftest import CONFIG
from tests.contract.taskcluster.definitions import definition
from tests.doubles.taskcluster.server import Server, serving
from tests.doubles.taskcluster.settings import Settings

EVENTUALLY = 15
PREFIX = "exchange/taskcluster-queue/v1/"
WORKER = {"workerGroup": "buildbot", "workerId": "bm01"}


class Wire:
    """A line to the broker that can be cut and mended."""

    def __init__(self, target: URL) -> None:
        self._target = target
        self._ends: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None
        self.port = 0

    async def mend(self) -> None:
        self._server = await asyncio.start_server(self._join, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        assert self._server is not None
        self._server.close()
        for end in self._ends:
            end.transport.abort()
        self._ends.clear()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(self._target.host, self._target.port)
        self._ends += [writer, far_writer]
        with contextlib.suppress(OSError):
            await asyncio.gather(self._carry(reader, far_writer), self._carry(far_reader, writer))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()


@pytest.fixture
async def wire(amqp_url: str) -> AsyncIterator[Wire]:
    wire = Wire(URL(amqp_url))
    await wire.mend()
    yield wire
    await wire.cut()


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(EVENTUALLY):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.fixture
async def pulsing(amqp_url: str) -> AsyncIterator[Server]:
    async with serving(Settings.of(CONFIG), amqp_url) as server:
        yield server


@pytest.fixture
async def listening(pulsing: Server, amqp_url: str) -> AsyncIterator[AbstractQueue]:
    """A queue bound as the bridge binds, by the client's own patterns."""
    connection = await aio_pika.connect(amqp_url, timeout=10)
    async with connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(exclusive=True)
        events = taskcluster.QueueEvents({"rootUrl": pulsing.root_url})
        for pattern in (
            events.taskPending({"provisionerId": "proj", "workerType": "queue"}),
            events.taskRunning({"provisionerId": "proj", "workerType": "queue"}),
            events.taskException({"provisionerId": "proj", "workerType": "queue"}),
        ):
            await queue.bind(pattern["exchange"], pattern["routingKeyPattern"], timeout=10)
        yield queue


@pytest.fixture
async def queue(pulsing: Server) -> AsyncIterator[taskcluster.aio.Queue]:
    credentials = {"clientId": "root", "accessToken": "token of root"}
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        yield taskcluster.aio.Queue(
            {"rootUrl": pulsing.root_url, "credentials": credentials, "maxRetries": 0}, session=session
        )


async def _next(listening: AbstractQueue) -> AbstractIncomingMessage:
    async with asyncio.timeout(10):
        while True:
            message = await listening.get(fail=False, no_ack=True, timeout=5)
            if message is not None:
                return message
            await asyncio.sleep(0.01)


async def test_messages_come_with_documented_keys_and_properties(
    listening: AbstractQueue, queue: taskcluster.aio.Queue
) -> None:
    task_id = taskcluster.slugId()
    await queue.createTask(task_id, definition(routes=["index.a.b"], tags={"kind": "build"}))
    await queue.claimTask(task_id, "0", WORKER)
    pending, running = await _next(listening), await _next(listening)
    tail = f"proj.queue.-.{task_id}._"
    assert (pending.exchange, pending.routing_key) == (f"{PREFIX}task-pending", f"primary.{task_id}.0._._.{tail}")
    assert (running.exchange, running.routing_key) == (
        f"{PREFIX}task-running",
        f"primary.{task_id}.0.buildbot.bm01.{tail}",
    )
    assert pending.headers == {"CC": ["route.index.a.b"]}
    properties = (pending.content_type, pending.content_encoding, pending.delivery_mode, pending.priority)
    assert properties == ("application/json", "utf-8", 2, 0)
    assert (pending.message_id, pending.timestamp, pending.type, pending.correlation_id) == (None,) * 4
    body = json.loads(pending.body)
    assert (body["version"], body["runId"], body["task"]) == (1, 0, {"tags": {"kind": "build"}})
    assert body["status"]["runs"][0]["state"] == "pending"


async def test_a_route_reaches_who_binds_to_it(pulsing: Server, amqp_url: str, queue: taskcluster.aio.Queue) -> None:
    async with await aio_pika.connect(amqp_url, timeout=10) as connection:
        channel = await connection.channel()
        bound = await channel.declare_queue(exclusive=True)
        await bound.bind(f"{PREFIX}task-defined", "route.index.only.this", timeout=10)
        await queue.createTask(taskcluster.slugId(), definition())
        task_id = taskcluster.slugId()
        await queue.createTask(task_id, definition(routes=["index.only.this"]))
        assert json.loads((await _next(bound)).body)["status"]["taskId"] == task_id


async def test_the_exchanges_are_durable_topics_that_outlive_the_server(amqp_url: str) -> None:
    async with serving(Settings.of(CONFIG), amqp_url):
        pass
    async with await aio_pika.connect(amqp_url, timeout=10) as connection:
        channel = await connection.channel()
        found = await channel.declare_exchange(f"{PREFIX}task-pending", "topic", durable=True, timeout=10)
        assert found.name == f"{PREFIX}task-pending"


async def test_what_is_published_while_the_broker_is_away_never_comes(
    pulsing: Server, listening: AbstractQueue, queue: taskcluster.aio.Queue
) -> None:
    pulsing.broker.forced_away = True
    pulsing.broker.update()
    lost = taskcluster.slugId()
    assert (await queue.createTask(lost, definition()))["status"]["state"] == "pending"
    pulsing.broker.forced_away = False
    pulsing.broker.update()
    task_id = taskcluster.slugId()
    await queue.createTask(task_id, definition())
    assert json.loads((await _next(listening)).body)["status"]["taskId"] == task_id


async def test_a_cut_line_to_the_broker_is_noticed_and_mended(wire: Wire, amqp_url: str) -> None:
    there = str(URL(amqp_url).with_host("127.0.0.1").with_port(wire.port))
    async with serving(Settings.of(CONFIG), there) as server:
        assert server.site.ledger.broker_up
        await wire.cut()
        await _until(lambda: not server.site.ledger.broker_up)
        await wire.mend()
        await _until(lambda: server.site.ledger.broker_up)
