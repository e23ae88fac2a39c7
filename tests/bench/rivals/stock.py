"""The calls one by one, as the libraries' pages show it: a message, its task, its build from beginning to end, the next."""

import asyncio
import json
import sys

import aio_pika
import aiohttp

from tests.bench.rivals.servers import PENDING, WORKER, Plugin, Servers, told

POLL = 0.3
"""Seconds between two looks at a build; builds of the bench last for less, so that few looks are needed."""


async def main(path: str, queue_name: str) -> None:
    servers = Servers.read(path)
    connection = await aio_pika.connect_robust(servers.amqp)
    channel = await connection.channel()
    await channel.set_qos(prefetch_count=1)
    messages = await channel.declare_queue(f"queue/bridge-pulse/{queue_name.replace('/', '-')}", auto_delete=True)
    exchange = await channel.get_exchange(PENDING, ensure=False)
    await messages.bind(exchange, f"primary.*.*.*.*.{queue_name.replace('/', '.')}.#")
    async with aiohttp.ClientSession() as session, messages.iterator() as arriving:
        print("ready", flush=True)
        async for message in arriving:
            async with message.process():
                await one(servers, session, json.loads(message.body)["status"]["taskId"])


async def one(servers: Servers, session: aiohttp.ClientSession, task: str) -> None:
    """Carry one task from its message to its report."""
    queue, plugin = servers.client(session), Plugin(servers, session)
    definition = await queue.task(task)
    await queue.status(task)
    await plugin.submit(task, definition)
    while not (state := await plugin.call("GET", f"runs/{task}/0"))["builds"]:
        await asyncio.sleep(POLL)
    claim = await queue.claimTask(task, "0", WORKER)
    while not (state := await plugin.call("GET", f"runs/{task}/0"))["complete"]:
        await asyncio.sleep(POLL)
    await told(plugin, servers.of_run(claim, task, session), task, state["builds"][-1]["buildid"], session)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
