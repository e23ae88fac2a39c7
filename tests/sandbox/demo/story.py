"""What happens in the demo: the graph is created, two people cancel something, and everybody watches."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

import slugid

from tests.sandbox.demo.graph import WISHES, Wish
from tests.sandbox.demo.show import Seen
from tests.sandbox.stack import Stack

LIMIT = 240.0


class Story:
    """One graph, from its creation to its end."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.ids = {wish.name: slugid.nice() for wish in WISHES}
        self.group = slugid.nice()
        self.seen: dict[str, Seen] = {}
        self.began = int(time.time())

    async def tell(self, shown: Callable[[Mapping[str, Seen]], None]) -> None:
        """Create the tasks, do what people do, and look until all is over or the time is."""
        for wish in WISHES:
            await self.stack.queue.createTask(self.ids[wish.name], self._definition(wish))
        people = [asyncio.create_task(self._cancel_running()), asyncio.create_task(self._cancel_waiting())]
        try:
            await self._watch(shown)
            await asyncio.gather(*people)
        finally:
            for person in people:
                person.cancel()
            await asyncio.gather(*people, return_exceptions=True)

    def _definition(self, wish: Wish) -> dict[str, Any]:
        more = {"dependencies": [self.ids[name] for name in wish.after], "taskGroupId": self.group, "name": wish.name}
        return self.stack.definition(wish.builder, **more, **wish.more)

    async def _watch(self, shown: Callable[[Mapping[str, Seen]], None]) -> None:
        end = time.monotonic() + LIMIT
        while time.monotonic() < end:
            self.seen = await self._look()
            shown(self.seen)
            if self._over():
                return
            await asyncio.sleep(0.3)

    def _over(self) -> bool:
        """Whether nothing can change any more, for the better or for the worse."""
        return all(self._is_final(wish.name) for wish in WISHES)

    def _is_final(self, name: str) -> bool:
        """A task that waits for another is over when that one has ended, and not as the task needs it."""
        state = self.seen[name].end[0] if name in self.seen else ""
        if state == "unscheduled":
            needs = next(wish.after for wish in WISHES if wish.name == name)
            return any(self._is_final(other) and self.seen[other].end[0] != "completed" for other in needs)
        return state in ("completed", "failed", "exception")

    async def _look(self) -> dict[str, Seen]:
        answer = await self.stack.queue.statuses({"taskIds": list(self.ids.values())})
        statuses = {each["taskId"]: each["status"] for each in answer["statuses"]}
        builds = await self._builds()
        return {name: Seen(statuses[task], builds.get(task, "")) for name, task in self.ids.items() if task in statuses}

    async def _builds(self) -> dict[str, str]:
        """The newest build of each task's request."""
        states = [*await self._requests("open=1"), *await self._requests(f"completed_since={self.began}")]
        newest = {state["external_id"].partition("/")[0]: state["builds"][-1] for state in states if state["builds"]}
        return {task: f"#{build['number']} on {build['worker']}" for task, build in newest.items()}

    async def _requests(self, which: str) -> list[dict[str, Any]]:
        """Build requests that carry a run's key, as the plugin tells it: one short page."""
        status, page = await self.stack.buildbot.plugin("GET", f"requests?{which}")
        return list(page["states"]) if status == 200 else []

    async def _cancel_running(self) -> None:
        """A person cancels a running task in Taskcluster."""
        task = self.ids["cancelled here"]
        await self.stack.until(task, "running", within=LIMIT)
        await self.stack.queue.cancelTask(task)

    async def _cancel_waiting(self) -> None:
        """A person cancels a waiting build request in Buildbot."""
        task = self.ids["cancelled there"]

        async def request() -> Any:
            return [r for r in await self._requests("open=1") if r["external_id"].startswith(f"{task}/")]

        found = await self.stack.eventually(request, "a build request to cancel", LIMIT)
        await self.stack.buildbot.control(f"buildrequests/{found[0]['buildrequestid']}", "cancel", reason="the demo")
