"""A stream of short tasks of every kind, and the people who interfere with them."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp
import slugid
from taskcluster.exceptions import TaskclusterFailure

from tests.chaos import tables
from tests.sandbox.stack import Stack

RETRIES: Final = 45
"""Of each task: so many that faults do not use them up."""
SOME: Final = 20.0
"""Seconds that a person waits for what they want to interfere with, before they go home."""
TOO_LATE: Final = "deadline-exceeded"
TROUBLE: Final = (TaskclusterFailure, aiohttp.ClientError, TimeoutError, AssertionError, OSError)
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """What a task asks for, how it may end in the last run, and what people do to it."""

    name: str
    weight: int
    builder: str
    ends: frozenset[str]
    seconds: tuple[float, float] | None = None
    deadline: tuple[float, float] | None = None
    act: "Callable[[People, str], Awaitable[None]] | None" = None
    more: Json = field(default_factory=dict)


class People:
    """They cancel, stop and rerun, each when the time has come; where a server is away they give up."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._tables = tables.place(stack)

    async def cancel_waiting(self, task: str) -> None:
        """In Taskcluster, when Buildbot has the request, or just then."""
        await self._request(task)
        await self._stack.queue.cancelTask(task)

    async def cancel_running(self, task: str) -> None:
        """In Taskcluster, while it runs."""
        await self._state(task, "running")
        await self._stack.queue.cancelTask(task)

    async def cancel_at_once(self, task: str) -> None:
        """In Taskcluster, whatever the bridge is doing."""
        await self._stack.queue.cancelTask(task)

    async def stop_build(self, task: str) -> None:
        """In Buildbot, while it is built."""
        request = await self._request(task, built=True)
        await self._stack.buildbot.control(f"builds/{request['builds'][-1]['buildid']}", "stop", reason="enough")

    async def cancel_request(self, task: str) -> None:
        """In Buildbot, before it is built."""
        request = await self._request(task)
        await self._stack.buildbot.control(f"buildrequests/{request['buildrequestid']}", "cancel", reason="enough")

    async def rerun(self, task: str) -> None:
        """Once it is over."""
        await self._state(task, "completed", "failed", "exception")
        await self._stack.queue.rerunTask(task)

    async def cancel_and_rerun(self, task: str) -> None:
        """While the first run's build is being stopped the second asks for one of its own."""
        await self.cancel_running(task)
        await self._stack.queue.rerunTask(task)

    async def _request(self, task: str, *, built: bool = False) -> Json:
        async def there() -> Json | None:
            found = [each for each in await asyncio.to_thread(tables.requests, self._tables, task) if not each["complete"]]
            return found[-1] if found and (found[-1]["builds"] or not built) else None

        return await self._until(there)

    async def _state(self, task: str, *states: str) -> None:
        async def there() -> bool:
            return (await self._stack.status(task))["state"] in states

        await self._until(there)

    async def _until(self, look: Callable[[], Awaitable[Any]]) -> Any:
        """What `look` gives, as soon as it gives something; people look twice a second."""
        async with asyncio.timeout(SOME):
            while not (found := await look()):
                await asyncio.sleep(0.5)
        return found


def _ends(*words: str) -> frozenset[str]:
    return frozenset(words)


# A person may come too late, or be undone by the end of a master: then the build's own result is the right end.
KINDS: Final = (
    Kind("quick", 24, "success", _ends("completed")),
    Kind("fails", 8, "failure", _ends("failed")),
    Kind("warns", 3, "warnings", _ends("completed")),
    Kind("breaks", 3, "exception", _ends("internal-error")),
    Kind("skipped", 3, "condition", _ends("completed")),
    Kind("works", 18, "work", _ends("completed"), seconds=(0.5, 6)),
    Kind("works long", 3, "work", _ends("completed"), seconds=(66, 78)),
    Kind("works in vain", 5, "work-in-vain", _ends("failed"), seconds=(0.5, 4)),
    Kind("works far away", 5, "remote", _ends("completed"), seconds=(0.5, 4)),
    Kind("gives a file", 8, "gives", _ends("completed"), seconds=(0.5, 4)),
    Kind("retried", 8, "retry-once", _ends("completed")),
    Kind("unknown builder", 4, "nowhere", _ends("malformed-payload")),
    Kind("no scope", 2, "success", _ends("malformed-payload"), more={"scopes": []}),
    Kind("no payload", 2, "success", _ends("malformed-payload"), more={"payload": {"build": "it"}}),
    Kind("cancelled while waiting", 4, "parked", _ends("canceled", TOO_LATE), deadline=(60, 90), act=People.cancel_waiting),
    Kind("cancelled while running", 4, "work", _ends("canceled", "completed"), seconds=(20, 25), act=People.cancel_running),
    Kind("cancelled at once", 3, "work", _ends("canceled", "completed"), seconds=(1, 4), act=People.cancel_at_once),
    Kind("stopped in Buildbot", 4, "work", _ends("canceled", "completed"), seconds=(20, 25), act=People.stop_build),
    Kind("cancelled in Buildbot", 3, "parked", _ends("canceled", TOO_LATE), deadline=(60, 90), act=People.cancel_request),
    Kind("rerun", 4, "success", _ends("completed"), act=People.rerun),
    Kind("cancelled and rerun", 3, "work", _ends("canceled", "completed"), seconds=(8, 12), act=People.cancel_and_rerun),
    Kind("too late", 4, "parked", _ends(TOO_LATE), deadline=(3, 10)),
)


@dataclass
class Made:
    """A task of the stream."""

    task: str
    kind: Kind
    seconds: float


class Stream:
    """Makes tasks, so many a second, and sends people after some of them."""

    def __init__(self, stack: Stack, rng: random.Random, rate: float) -> None:
        self._stack = stack
        self._rng = rng
        self._rate = rate
        self._people = People(stack)
        self.made: dict[str, Made] = {}

    async def run(self, end: asyncio.Event) -> None:
        """Make tasks until the end; returns when the people have gone home as well."""
        async with asyncio.TaskGroup() as group:
            while not end.is_set():
                kind = self._rng.choices(KINDS, [kind.weight for kind in KINDS])[0]
                made = Made(slugid.nice(), kind, self._rng.uniform(*kind.seconds) if kind.seconds else 0.0)
                group.create_task(self._live(made, self._rng.uniform(*kind.deadline) if kind.deadline else 7200.0))
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(end.wait(), self._rng.expovariate(self._rate))

    async def _live(self, made: Made, deadline: float) -> None:
        more = {"retries": RETRIES, "deadline": deadline, "name": made.kind.name, **made.kind.more}
        if made.seconds:
            more["properties"] = {"seconds": f"{made.seconds:.1f}"}
        definition = self._stack.definition(made.kind.builder, **more)
        self.made[made.task] = made
        with contextlib.suppress(*TROUBLE):
            await self._created(made.task, definition)
            if made.kind.act is not None:
                await made.kind.act(self._people, made.task)

    async def _created(self, task: str, definition: Json) -> None:
        """Without its broker the queue answers 500, and the task is there: whoever makes one makes it again."""
        for _ in range(30):
            with contextlib.suppress(*TROUBLE):
                await self._stack.queue.createTask(task, definition)
                return
            await asyncio.sleep(1)
        raise TimeoutError(f"task {task} could not be made")
