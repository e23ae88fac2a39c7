"""A person with an account at the queue's double, who runs `bbb` as a command; and somebody who does the tasks."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import taskcluster.aio

from tests.doubles.taskcluster.server import Server, serving
from tests.doubles.taskcluster.settings import Settings, client

ROOT = Path(__file__).parents[3]
QUEUE = "proj-demo/buildbot"
PERSON = "mozilla-auth0/ad|Example|person"
ENOUGH = [
    f"queue:create-task:high:{QUEUE}",
    "queue:create-task:project:none",
    "queue:scheduler-id:by-hand",
    "buildbot-bridge:builder-name:*",
]
PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Done:
    status: int | None
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Desk:
    """A person's terminal."""

    double: Server
    admin: Any
    token: str
    directory: Path
    running: list[asyncio.subprocess.Process] = field(default_factory=list)

    def environment(self, changes: Mapping[str, str | None]) -> dict[str, str]:
        kept = {name: text for name, text in os.environ.items() if not name.startswith(("BBB_", "TASKCLUSTER_"))}
        kept.pop("EMAIL", None)
        given: dict[str, str | None] = {
            "TASKCLUSTER_ROOT_URL": self.double.root_url,
            "TASKCLUSTER_CLIENT_ID": PERSON,
            "TASKCLUSTER_ACCESS_TOKEN": self.token,
            "PYTHONPATH": str(ROOT),
            **changes,
        }
        return kept | {name: text for name, text in given.items() if text is not None}

    async def start(self, *arguments: str, **changes: str | None) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-u", "-m", "bridge.cli", *arguments),
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            env=self.environment(changes),
            cwd=self.directory,
        )
        self.running.append(child)
        return child

    async def end(self, child: asyncio.subprocess.Process, given: str = "") -> Done:
        """Wait for its end; no answer may be a traceback or hold a secret."""
        async with asyncio.timeout(60):
            out, err = await child.communicate(given.encode())
        done = Done(child.returncode, out.decode(errors="replace"), err.decode(errors="replace"))
        assert "Traceback" not in done.out + done.err, done.err
        assert self.token not in done.out + done.err
        return done

    async def bbb(self, *arguments: str, given: str = "", **changes: str | None) -> Done:
        return await self.end(await self.start(*arguments, **changes), given)

    async def submit(self, *arguments: str, given: str = "", **changes: str | None) -> Done:
        """With what these tests do not ask about."""
        return await self.bbb("submit", *USUAL, *arguments, given=given, **changes)

    def graph(self, written: object) -> str:
        """A builders-graph in a file; its path."""
        path = self.directory / "graph.json"
        path.write_text(json.dumps(written))
        return str(path)

    def allow(self, *scopes: str) -> None:
        self.double.site.at.auth.clients[PERSON] = client({"accessToken": self.token, "scopes": list(scopes)})

    def tasks(self) -> dict[str, Any]:
        """The double's tasks by the name of their builder."""
        return {task.definition["payload"]["buildername"]: task for task in self.double.site.ledger.tasks.values()}

    def fault(self, **fault: Any) -> None:
        self.double.faults.add(fault)

    # --- the worker

    async def claimed(self, builder: str) -> tuple[str, Any]:
        """Wait until the builder's task is pending and claim it: its id, and a client with the run's credentials."""

        async def pending() -> bool:
            return builder in self.tasks() and self.tasks()[builder].state == "pending"

        await eventually(pending, f"{builder} is pending")
        task = self.tasks()[builder]
        run = str(len(task.runs) - 1)
        answer = await self.admin.claimTask(task.task_id, run, {"workerGroup": "demo", "workerId": "w1"})
        options = {"rootUrl": self.double.root_url, "credentials": answer["credentials"]}
        return task.task_id, taskcluster.aio.Queue(options, session=self.admin.session)

    async def does(self, builder: str, end: str = "reportCompleted", *more: object) -> None:
        """Claim the task of a builder and resolve its run."""
        task_id, worker = await self.claimed(builder)
        await getattr(worker, end)(task_id, str(len(self.tasks()[builder].runs) - 1), *more)


USUAL = ("--task-queue", QUEUE, "--priority", "high", "--scheduler-id", "by-hand", "--interval", "0.2")


async def eventually(look: Callable[[], Awaitable[bool]], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not await look():
        assert time.monotonic() < end, f"not within {PATIENCE} s: {what}"
        await asyncio.sleep(0.05)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    token = secrets.token_urlsafe(24)
    clients = {
        "admin": {"accessToken": "token of the admin", "scopes": ["*"]},
        PERSON: {"accessToken": token, "scopes": ENOUGH},
    }
    periods = {"pollSeconds": 0.1, "publishSeconds": 0.2, "deadlineDelaySeconds": 0.5}
    async with (
        serving(Settings.of({"clients": clients, "periods": periods})) as double,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http,
    ):
        known = {"clientId": "admin", "accessToken": "token of the admin"}
        admin = taskcluster.aio.Queue({"rootUrl": double.root_url, "credentials": known}, session=http)
        desk = Desk(double, admin, token, tmp_path)
        yield desk
        for child in desk.running:
            if child.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    child.kill()
                await child.wait()
