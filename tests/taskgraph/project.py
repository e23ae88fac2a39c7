"""A project with a task graph, on a stack: people push to it and press the buttons of its actions.

The harness does what taskcluster-github and the hooks service would do (`rendering`), with the administrator's rights; all
after that is done by taskgraph itself in tasks (`worker`), with the scopes of the project's roles and no others.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import taskcluster.aio

from tests.sandbox.stack import NATIVE, Stack
from tests.taskgraph import rendering
from tests.taskgraph.repository import URL, Push, Repository
from tests.taskgraph.worker import NativeWorker

Json = dict[str, Any]
PROVISIONER = "proj-demo"
SCHEDULER = f"demo-level-{rendering.LEVEL}"
QUEUES = (f"{PROVISIONER}/decision", f"{PROVISIONER}/linux-docker")
PUSH = (
    f"assume:repo:{URL.removeprefix('https://')}:branch:main",
    "queue:route:checks",
    "queue:scheduler-id:taskcluster-github",
)
REPOSITORY = f"repo:{URL.removeprefix('https://')}:*"
SCOPES = [
    f"queue:create-task:highest:{PROVISIONER}/*",
    "queue:create-task:project:none",
    f"queue:scheduler-id:{SCHEDULER}",
    f"queue:rerun-task:{SCHEDULER}/*",
    f"queue:cancel-task:{SCHEDULER}/*",
    "queue:route:index.demo.*",
    "queue:route:tc-treeherder.v2.*",
    "queue:route:checks",
    "index:find-task:demo.*",
    "index:list-tasks:demo.*",
    "buildbot-bridge:builder-name:*",
]
"""All that decision and action tasks of the project may do: the least with which everything here works."""


@dataclass(frozen=True)
class Graph:
    """What a decision or action task left: `labels` are the ids of its tasks by label."""

    project: "Project"
    id: str
    group: str
    labels: Mapping[str, str] = field(default_factory=dict)

    async def artifact(self, name: str) -> Any:
        """A file that the task left, read as JSON."""
        return json.loads(await self.project.stack.artifact(self.id, 0, f"public/{name}"))

    async def act(self, name: str, task: str | None = None, given: Any = None) -> "Graph":
        """Press the button of an action of this group, and wait until its task is completed."""
        return await self.project.act(self, name, task, given)

    @property
    def log(self) -> str:
        return self.project.log(self.id)


class Project:
    """One project on one stack."""

    def __init__(self, stack: Stack, directory: Path, content: Path) -> None:
        self.stack = stack
        self.repository = Repository(directory / "repository", content)
        credentials = {"clientId": NATIVE, "accessToken": stack.key}
        self.worker = NativeWorker(stack.root_url, credentials, stack.http, directory / "native", self.repository.directory)
        self._directory = directory
        self._working: asyncio.Task[None] | None = None

    @classmethod
    @contextlib.asynccontextmanager
    async def on(cls, stack: Stack, directory: Path, content: Path) -> AsyncIterator[Self]:
        """A project whose native worker runs for as long as the block lasts."""
        project = cls(stack, directory, content)
        await stack.control("PUT", "roles", **{REPOSITORY: SCOPES})
        scopes = [*(f"queue:claim-work:{queue}" for queue in QUEUES), f"queue:worker-id:{NATIVE}/*"]
        await stack.control("PUT", "clients", **{NATIVE: {"accessToken": stack.key, "scopes": scopes}})
        project._working = asyncio.create_task(project.worker.run(QUEUES))
        try:
            yield project
        finally:
            project._working.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await project._working

    def read(self, name: str) -> str:
        """A file of the repository as it was pushed last."""
        return self.repository.read("HEAD", name)

    async def push(self, changes: Mapping[str, str] | None = None) -> tuple[Push, Graph]:
        """Push to the repository, and wait until its decision task is completed."""
        push = self.repository.push(changes)
        return push, await self.decide(push)

    async def decide(self, push: Push, within: float = 120) -> Graph:
        """Create the decision task of a push, and wait until it is completed."""
        template = self.repository.read(push.revision, ".taskcluster.yml")
        task, definition = rendering.decision(template, push, self.stack.root_url)
        await self._github().createTask(task, definition)
        await self.completed(task, within)
        return Graph(self, task, task, await self._labels(task))

    def _github(self) -> Any:
        """A client that may no more than taskcluster-github lets the tasks of a push do."""
        credentials = {"clientId": "admin", "accessToken": self.stack.key}
        options = {"rootUrl": self.stack.root_url, "credentials": credentials, "authorizedScopes": list(PUSH)}
        return taskcluster.aio.Queue(options, session=self.stack.http)

    async def act(self, graph: Graph, name: str, task: str | None, given: Any) -> Graph:
        decision = json.loads(await self.stack.artifact(graph.group, 0, "public/actions.json"))
        tags = None if task is None else (await self.stack.queue.task(task))["tags"]
        action = rendering.choose(decision, name, tags)
        payload = rendering.trigger(action, graph.group, task, given)
        revision = payload["decision"]["push"]["revision"]
        template = self.repository.read(revision, ".taskcluster.yml")
        own, definition = rendering.action_task(template, action, payload)
        await self.stack.queue.createTask(own, definition)
        await self.completed(own, 120)
        return Graph(self, own, graph.group, await self._labels(own))

    async def completed(self, task: str, within: float) -> None:
        """Wait until a native task is completed; if it is not, its log tells why."""

        async def resolved() -> Json | None:
            if self._working is not None and self._working.done():
                self._working.result()  # raises what ended the worker
            status = await self.stack.status(task)
            return status if status["state"] in ("completed", "failed", "exception") else None

        status = await self.stack.eventually(resolved, f"native task {task}", within)
        assert status["state"] == "completed", f"{status}\n{self.log(task)}"

    def log(self, task: str) -> str:
        """What a native task wrote."""
        return (self._directory / "native" / f"{task}.0" / "log").read_text(errors="replace")

    async def _labels(self, task: str) -> dict[str, str]:
        """What a decision or action task wrote about its tasks; some actions write nothing."""
        listed = (await self.stack.queue.listArtifacts(task, "0"))["artifacts"]
        if "public/label-to-taskid.json" not in {each["name"] for each in listed}:
            return {}
        return dict(json.loads(await self.stack.artifact(task, 0, "public/label-to-taskid.json")))
