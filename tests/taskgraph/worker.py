"""A worker of the tests for native tasks: decision tasks, action tasks, and whatever a graph puts between bridged ones.

It runs docker-worker's payloads for real, without docker. The command is a process of its own with the task's environment;
directories that the payload names are in a directory of the task; the project's address leads git to the tests' repository;
`http://taskcluster` is a proxy with the run's credentials if the payload asks for it. The image is this project's own
environment, in which everything is installed already: `pip` has nothing to do there.
"""

import asyncio
import contextlib
import mimetypes
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import aiohttp
import taskcluster.aio
from taskcluster.exceptions import TaskclusterRestFailure

from tests.sandbox.stack import NATIVE
from tests.taskgraph import proxy
from tests.taskgraph.repository import URL

ROOT = Path(__file__).parents[2]
LOG = "public/logs/live_backing.log"
PIP = "#!/bin/sh\necho 'pip: all of it is in this image already'\n"
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: exit status, seconds, and the most memory that one process of it had, in MiB."""

    status: int
    seconds: float
    peak: float


@dataclass(frozen=True, slots=True)
class Container:
    """What a task finds around it: its own directory in place of those that its payload names, and its environment."""

    home: Path
    payload: Json
    given: dict[str, str]
    proxy: str

    def inside(self, text: str) -> str:
        """A text of the payload as it reads here."""
        tops = {str(PurePosixPath(*PurePosixPath(each["path"]).parts[:2])) for each in self._artifacts.values()}
        for top in tops:
            text = re.sub(rf"(?<![\w.:/-]){re.escape(top)}(?![\w.-])", f"{self.home}{top}", text)
        return text.replace(proxy.ADDRESS, self.proxy)

    @property
    def _artifacts(self) -> dict[str, Json]:
        return dict(self.payload.get("artifacts", {}))

    @property
    def command(self) -> list[str]:
        return [self.inside(part) for part in self.payload["command"]]

    @property
    def environment(self) -> dict[str, str]:
        own = {name: self.inside(text) for name, text in self.payload.get("env", {}).items()}
        path = f"{self.home / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        return {"PATH": path, "HOME": str(self.home), "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT), **self.given, **own}

    def files(self) -> Iterable[tuple[str, Path]]:
        """List the log, and the files that the payload names as artifacts, with their names."""
        yield LOG, self.home / "log"
        for name, artifact in self._artifacts.items():
            place = Path(self.inside(artifact["path"]))
            if place.is_file():
                yield name, place
            for path in sorted(place.rglob("*")):
                if path.is_file():
                    yield f"{name}/{path.relative_to(place)}", path


class NativeWorker:
    """Claims work from some task queues and does it, until cancelled. `ended` has what was done, by task."""

    def __init__(self, root_url: str, credentials: Json, http: aiohttp.ClientSession, directory: Path, source: Path) -> None:
        self._root_url = root_url
        self._http = http
        self._queue = self._client(credentials)
        self._directory = directory
        self._source = source
        self._children: set[subprocess.Popen[bytes]] = set()
        self.ended: dict[str, Ended] = {}

    def _client(self, credentials: Json) -> Any:
        return taskcluster.aio.Queue({"rootUrl": self._root_url, "credentials": credentials}, session=self._http)

    async def run(self, queues: Iterable[str], slots: int = 2) -> None:
        """Work until cancelled, on so many tasks of each queue at a time."""
        try:
            async with asyncio.TaskGroup() as group:
                for queue in queues:
                    for slot in range(slots):
                        group.create_task(self._work(queue, f"{queue.partition('/')[2]}-{slot}"))
        finally:
            for child in self._children:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)

    async def _work(self, queue: str, worker: str) -> None:
        while True:
            who = {"workerGroup": NATIVE, "workerId": worker, "tasks": 1}
            for claim in (await self._queue.claimWork(queue, who))["tasks"]:
                # Somebody may resolve the run meanwhile: then nobody wants to hear of it.
                with contextlib.suppress(TaskclusterRestFailure):
                    await self._carry_out(claim)

    async def _carry_out(self, claim: Json) -> None:
        task_id, run_id = claim["status"]["taskId"], str(claim["runId"])
        home = self._directory / f"{task_id}.{run_id}"
        async with proxy.proxied(self._root_url, claim["credentials"], self._http) as address:
            container = Container(home, claim["task"]["payload"], self._given(claim, address), address)
            self.ended[task_id] = ended = await asyncio.to_thread(self._execute, container)
        queue = self._client(claim["credentials"])
        for name, path in container.files():
            await self._upload(queue, claim, name, path)
        report = queue.reportCompleted if ended.status == 0 else queue.reportFailed
        await report(task_id, run_id)

    def _given(self, claim: Json, address: str) -> dict[str, str]:
        """What docker-worker gives to a task, and the way to the repository for git."""
        proxied = claim["task"]["payload"].get("features", {}).get("taskclusterProxy", False)
        return {
            "TASK_ID": claim["status"]["taskId"],
            "RUN_ID": str(claim["runId"]),
            "TASKCLUSTER_ROOT_URL": self._root_url,
            **({"TASKCLUSTER_PROXY_URL": address} if proxied else {}),
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.{self._source}.insteadOf",
            "GIT_CONFIG_VALUE_0": URL,
        }

    def _execute(self, container: Container) -> Ended:
        pip = container.home / "bin" / "pip"
        pip.parent.mkdir(parents=True)
        pip.write_text(PIP)
        pip.chmod(0o755)
        home, env = container.home, container.environment
        with (home / "log").open("wb") as log:
            began = time.monotonic()
            child = subprocess.Popen(
                container.command, cwd=home, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, process_group=0
            )
        self._children.add(child)
        ended = _awaited(child, began, container.payload["maxRunTime"])
        self._children.discard(child)
        return ended

    async def _upload(self, queue: Any, claim: Json, name: str, path: Path) -> None:
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        artifact = {"storageType": "s3", "contentType": kind, "expires": claim["task"]["expires"]}
        made = await queue.createArtifact(claim["status"]["taskId"], str(claim["runId"]), name, artifact)
        # Bytes in one piece would hold up the loop; a file object is sent bit by bit.
        with path.open("rb") as file:
            async with self._http.put(made["putUrl"], data=file, headers={"Content-Type": kind}) as answer:
                answer.raise_for_status()


def _awaited(child: "subprocess.Popen[bytes]", began: float, within: float) -> Ended:
    """Wait for the end of a process; one that takes longer than allowed is killed."""
    while True:
        pid, status, usage = os.wait4(child.pid, os.WNOHANG)
        if pid:
            child.returncode = os.waitstatus_to_exitcode(status)
            return Ended(child.returncode, time.monotonic() - began, usage.ru_maxrss / 1024)
        if time.monotonic() > began + within:
            os.killpg(child.pid, signal.SIGKILL)
        time.sleep(0.02)
