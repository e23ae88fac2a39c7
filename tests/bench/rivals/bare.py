"""The same calls as the bridge with the same libraries, batched in the same way, and nothing kept: no row, no check, no log."""

import asyncio
import json
import sys
from typing import Any

import aio_pika
import aiohttp

from tests.bench.rivals.servers import PENDING, WORKER, Plugin, Servers, told

AT_ONCE = 64
WINDOW = 0.05


class Bare:
    """One process for one task queue."""

    def __init__(self, servers: Servers, session: aiohttp.ClientSession, queue_name: str) -> None:
        self.servers, self.session, self.queue_name = servers, session, queue_name
        self.queue, self.plugin = servers.client(session), Plugin(servers, session)
        self.claims: dict[str, asyncio.Future[Any]] = {}
        self.told: set[str] = set()
        self.gate = asyncio.Semaphore(AT_ONCE)
        self.inbox: asyncio.Queue[aio_pika.abc.AbstractIncomingMessage] = asyncio.Queue()

    async def listen(self) -> None:
        connection = await aio_pika.connect(self.servers.amqp)
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=200)
        queue = await channel.declare_queue(f"queue/bridge-pulse/{self.queue_name.replace('/', '-')}", auto_delete=True)
        exchange = await channel.get_exchange(PENDING, ensure=False)
        await queue.bind(exchange, f"primary.*.*.*.*.{self.queue_name.replace('/', '.')}.#")
        await queue.consume(self.inbox.put)
        print("ready", flush=True)
        async with asyncio.TaskGroup() as group:
            group.create_task(self.follow(group))
            while True:
                await self.requested(await self.batch(), group)

    async def batch(self) -> list[str]:
        """The tasks of the messages that come within a moment, acknowledged together."""
        messages = [await self.inbox.get()]
        await asyncio.sleep(WINDOW)
        while not self.inbox.empty():
            messages.append(self.inbox.get_nowait())
        await messages[-1].ack(multiple=True)
        return [json.loads(message.body)["status"]["taskId"] for message in messages]

    async def requested(self, tasks: list[str], group: asyncio.TaskGroup) -> None:
        answer, _ = await asyncio.gather(self.queue.tasks({"taskIds": tasks}), self.queue.statuses({"taskIds": tasks}))
        for row in answer["tasks"]:
            group.create_task(self.at_gate(self.plugin.submit(row["taskId"], row["task"])))

    async def at_gate(self, work: Any) -> None:
        async with self.gate:
            await work

    async def follow(self, group: asyncio.TaskGroup) -> None:
        """Hear of builds, and do what follows from their states."""
        first = await self.plugin.call("GET", "changes", query={"after": "0", "wait": "0"})
        epoch, after = first["epoch"], first["seq"]
        while True:
            news = await self.plugin.call("GET", "changes", query={"epoch": epoch, "after": str(after), "wait": "25"})
            after = news["seq"]
            worth = ("build.started", "request.completed")
            ids = sorted({each["buildrequest"] for each in news["changes"] if each["event"] in worth})
            if ids:
                states = (await self.plugin.call("POST", "states", {"buildrequestids": ids}))["states"]
                for state in states:
                    if state["builds"]:
                        group.create_task(self.at_gate(self.moved(state)))

    async def moved(self, state: dict[str, Any]) -> None:
        task, build = state["external_id"].partition("/")[0], state["builds"][-1]["buildid"]
        claim = self.claims.get(task)
        if claim is None:  # whoever comes next waits for the same one
            claim = self.claims[task] = asyncio.ensure_future(self.queue.claimTask(task, "0", WORKER))
        client = self.servers.of_run(await claim, task, self.session)
        if state["complete"] and task not in self.told:  # the news of a build's start may come with its end
            self.told.add(task)
            await told(self.plugin, client, task, build, self.session)


async def main(path: str, queue_name: str) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await Bare(Servers.read(path), session, queue_name).listen()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
