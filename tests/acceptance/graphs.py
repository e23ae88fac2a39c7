"""The stack of the tests about task graphs: the sample project, with a builder in Buildbot for each that its graph names."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.acceptance.scene import Scene
from tests.sandbox.stack import QUEUE, Stack
from tests.taskgraph import BUILDERS, SAMPLE
from tests.taskgraph.project import Graph, Project

CONFIG = Path(__file__).with_suffix(".cfg")
Json = dict[str, Any]


def config() -> str:
    """What the master.cfg has besides, for the sample's builders."""
    return f"\nDEMO = {BUILDERS!r}\n{CONFIG.read_text()}"


@asynccontextmanager
async def project_on(stack: Stack) -> AsyncIterator[Project]:
    """The sample project on a stack with these builders, whose services run."""
    (stack.directory / "orders").mkdir()
    await stack.start_services()
    async with Project.on(stack, stack.directory / "project", SAMPLE) as project:
        yield project


@dataclass
class Play:
    """One test's view of the project."""

    project: Project
    scene: Scene

    @property
    def stack(self) -> Stack:
        return self.project.stack

    def _order(self, builder: str, what: str) -> Path:
        return self.stack.directory / "orders" / f"{builder}.{what}"

    def order(self, builder: str, what: str) -> None:
        """Let all builds of this builder `fail`, or `hold` at a gate, from now on."""
        self._order(builder, what).touch()

    def recall(self, builder: str, what: str) -> None:
        self._order(builder, what).unlink()

    def recall_all(self) -> None:
        for order in (self.stack.directory / "orders").iterdir():
            order.unlink()

    async def tasks(self, group: str) -> dict[str, list[Json]]:
        """The tasks of a group by label, oldest first: status and definition."""
        found: dict[str, list[Json]] = {}
        for each in (await self.stack.queue.listTaskGroup(group))["tasks"]:
            found.setdefault(each["task"]["metadata"]["name"], []).append(each)
        return found

    async def known(self, graph: Graph) -> set[str]:
        """The ids of all tasks of a group."""
        return {each["status"]["taskId"] for every in (await self.tasks(graph.group)).values() for each in every}

    async def added(self, graph: Graph, before: set[str]) -> dict[str, list[str]]:
        """What came to the group since, by label; actions' own tasks left out."""
        found: dict[str, list[str]] = {}
        for label, every in (await self.tasks(graph.group)).items():
            new = [each["status"]["taskId"] for each in every if each["status"]["taskId"] not in before]
            if new and not label.startswith("Action: "):
                found[label] = new
        return found

    async def all_resolved(self, group: str, within: float = 60) -> dict[str, str]:
        """Wait until all tasks of a group are resolved; their states by label, of the newest of a label."""
        await self.resolved(
            [each["status"]["taskId"] for every in (await self.tasks(group)).values() for each in every], within
        )
        return await self.states(group)

    async def states(self, group: str) -> dict[str, str]:
        """The states of a group's tasks by label; of several with one label, the newest one's."""
        return {label: each[-1]["status"]["state"] for label, each in (await self.tasks(group)).items()}

    async def resolved(self, tasks: Iterable[str], within: float = 60) -> dict[str, str]:
        """Wait until these tasks are resolved; their states."""
        states: dict[str, str] = {}

        async def over() -> bool:
            statuses = await self.stack.queue.statuses({"taskIds": list(tasks)})
            states.update({each["taskId"]: each["status"]["state"] for each in statuses["statuses"]})
            return not {"unscheduled", "pending", "running"} & set(states.values())

        try:
            await self.stack.eventually(over, "all tasks resolved", within)
        except AssertionError as error:
            raise AssertionError(f"{error}: {states}") from error
        return states

    async def over(self, *groups: str) -> None:
        """Have the history of all bridged tasks of these groups judged, except those that never were pending."""
        for group in groups:
            for each in (task for tasks in (await self.tasks(group)).values() for task in tasks):
                runs = each["status"]["runs"]
                if each["task"]["taskQueueId"] == QUEUE and runs and runs[0]["reasonCreated"] == "scheduled":
                    self.scene.tasks.append(each["status"]["taskId"])
        await self.scene.over()
