"""A private Buildbot master with real workers, in a directory of the caller's and on free ports of 127.0.0.1."""

import asyncio
import io
import json
import os
import re
import secrets
import signal
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import tenacity

from tests.sandbox.environment import BUILDBOT, Environment, ensure_environment
from tests.sandbox.process import Child, became_true, free_port

BUILDERS = Path(__file__).with_name("builders.cfg")
PATIENCE = 90.0
"""Seconds; a master starts in about 3 on a quiet machine."""
POLL = 0.1

_MASTER_TAC = """
from twisted.application import service
from buildbot.master import BuildMaster

application = service.Application('buildmaster')
BuildMaster({directory!r}, 'master.cfg').setServiceParent(application)
"""
_WORKER_TAC = """
from twisted.application import service
from buildbot_worker.bot import Worker

application = service.Application('buildbot-worker')
Worker('127.0.0.1', {port}, {name!r}, 'sandbox', {directory!r}, 600, maxdelay=2).setServiceParent(application)
"""
_COMMON_CFG = """
from buildbot.plugins import *

WORKERS = {workers!r}
BRIDGE = dict(token=util.Secret('bridge-token'), builders=['*'], max_pending=200)
c = BuildmasterConfig = dict(
    title='Sandbox', titleURL={url!r}, buildbotURL={url!r}, buildbotNetUsageData=None,
    db=dict(db_url={database!r}),
    protocols=dict(pb=dict(port='tcp:{worker_port}:interface=127.0.0.1')),
    www=dict(port='tcp:{port}:interface=127.0.0.1', plugins=dict(taskcluster=dict())),
    secretsProviders=[secrets.SecretInAFile(dirname={secrets!r})],
    workers=[worker.Worker(name, 'sandbox', max_builds=4) for name in WORKERS],
    builders=[], schedulers=[], services=[],
)
"""
_LAST_CFG = """
if BRIDGE is not None:
    c['services'].append(util.TaskclusterBridge(**BRIDGE))
"""


_again = tenacity.AsyncRetrying(
    retry=tenacity.retry_if_exception_type((aiohttp.ClientPayloadError, TimeoutError, json.JSONDecodeError)),
    stop=tenacity.stop_after_attempt(4),
    reraise=True,
)


class BuildbotSandbox:
    """One master and its workers; it survives `kill` and `stop` with its data, ports and token.

    `master_config` is the text of a master.cfg's middle part. It finds the imports of `buildbot.plugins`, `c` with
    everything that a private master needs except builders, WORKERS with the names of the remote workers, and BRIDGE
    with the arguments of the bridge's plugin (None leaves it out). Without it the test builders of `builders.cfg` are configured.
    """

    def __init__(
        self,
        directory: Path,
        *,
        database_url: str | None = None,
        master_config: str | None = None,
        workers: int = 1,
        environment: Environment = BUILDBOT,
    ) -> None:
        self.directory = directory.absolute()
        self.master_config = master_config
        self.worker_names = [f"worker-{number}" for number in range(1, workers + 1)]
        self.token = secrets.token_urlsafe(24)
        self._database = database_url or "sqlite:///state.sqlite"
        self._port, self._worker_port = free_port(), free_port()
        self._master: Child | None = None
        self._workers: dict[str, Child] = {}
        self._wanted, self._environment = environment, Path()
        self._session: aiohttp.ClientSession | None = None

    @property
    def url(self) -> str:
        """The master's address, with a slash at its end."""
        return f"http://127.0.0.1:{self._port}/"

    @property
    def pid(self) -> int:
        """The running master's."""
        assert self._master is not None
        return self._master.pid

    @property
    def log(self) -> str:
        """What the master wrote since its last start."""
        return self._master.log if self._master else ""

    async def __aenter__(self) -> Self:
        self._environment = await asyncio.to_thread(ensure_environment, self._wanted)
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60))
        try:
            await self._prepare()
            await self.start()
            await asyncio.gather(*(self.start_worker(name) for name in self.worker_names))
        except Exception:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for child in [*self._workers.values(), self._master]:
            if child is not None:
                await child.kill()
        if self._session is not None:
            await self._session.close()

    async def _prepare(self) -> None:
        (self.directory / "master").mkdir(parents=True, exist_ok=True)
        self.write_secret("bridge-token", self.token)
        tac = _MASTER_TAC.format(directory=str(self.directory / "master"))
        (self.directory / "master" / "buildbot.tac").write_text(tac)
        self._write_config()
        await self._upgrade()

    def write_secret(self, name: str, value: str) -> None:
        """Store a secret where the master's `util.Secret(name)` finds it, from its next start on."""
        guarded = self.directory / "secrets"
        guarded.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = guarded / name
        path.touch(mode=0o600)
        path.write_text(value)

    def _write_config(self) -> None:
        common = _COMMON_CFG.format(
            workers=self.worker_names,
            url=self.url,
            database=self._database,
            port=self._port,
            worker_port=self._worker_port,
            secrets=str(self.directory / "secrets"),
        )
        middle = self.master_config if self.master_config is not None else BUILDERS.read_text()
        (self.directory / "master" / "master.cfg").write_text(common + middle + _LAST_CFG)

    async def _upgrade(self) -> None:
        """Create the tables, as `buildbot create-master` would."""
        child = self._run("upgrade", "buildbot", "upgrade-master", "-q", str(self.directory / "master"))
        if not await child.ended(PATIENCE) or child.status:
            raise child.failure("the master's database was not made")

    def _run(self, name: str, program: str, *arguments: str) -> Child:
        env = {**os.environ, "PATH": f"{self._environment / 'bin'}:{os.environ['PATH']}", "PYTHONWARNINGS": "ignore"}
        command: list[str | Path] = [self._environment / "bin" / program, *arguments]
        return Child(command, env=env, log=self.directory / f"{name}.log", account=None)

    def _daemon(self, name: str, directory: Path) -> Child:
        tac = str(directory / "buildbot.tac")
        return self._run(name, "twistd", "--nodaemon", "--no_save", "--pidfile=", "-d", str(directory), "-y", tac)

    async def start(self) -> None:
        """Start the master and return when it answers the bridge."""
        self._write_config()
        self._master = self._daemon("master", self.directory / "master")
        end = time.monotonic() + PATIENCE
        # This line comes after the services' start and after the housekeeping of builds that the last process lost.
        while "BuildMaster is running" not in self.log:
            if time.monotonic() > end or not self._master.alive:
                raise self._master.failure("the master did not start")
            await asyncio.sleep(POLL)

    async def kill(self) -> None:
        """End the master as a crash does."""
        assert self._master is not None
        await self._master.kill()

    async def stop(self, within: float = 60) -> None:
        """Stop the master as `buildbot stop` does; its running builds end."""
        assert self._master is not None
        self._master.tell(signal.SIGTERM)
        if not await self._master.ended(within):
            raise self._master.failure("the master did not stop")

    async def reconfig(self, master_config: str | None = None) -> str:
        """Have the configuration read again, with another middle part if given; returns the master's word on it."""
        assert self._master is not None
        if master_config is not None:
            self.master_config = master_config
        self._write_config()
        seen = len(self.log)
        self._master.tell(signal.SIGHUP)
        done = re.compile(r"configuration update (complete|aborted[^\n(]*|partially applied[^\n(]*)")
        if not await became_true(lambda: done.search(self.log, seen) is not None, PATIENCE):
            raise self._master.failure("the master did not finish its reconfig")
        found = done.search(self.log, seen)
        assert found is not None
        return found[1].strip()

    async def start_worker(self, name: str = "worker-1") -> None:
        """Start a worker and return when the master knows it is there."""
        seen = len(self.log)
        self._start_worker(name)
        await self.await_worker(name, since=seen)

    def _start_worker(self, name: str) -> None:
        directory = self.directory / name
        directory.mkdir(exist_ok=True)
        tac = _WORKER_TAC.format(port=self._worker_port, name=name, directory=str(directory))
        (directory / "buildbot.tac").write_text(tac)
        self._workers[name] = self._daemon(name, directory)

    async def await_worker(self, name: str = "worker-1", *, since: int = 0) -> None:
        """Return when the worker is connected to the master and attached to its builders.

        The master's tables show workers of its last life as connected, so its log has the word, from `since` on. A worker
        that comes while the master starts can be answered with an error and ends; it is started again, as a supervisor would.
        """
        end = time.monotonic() + PATIENCE
        while f"Got workerinfo from '{name}'" not in self.log[since:] or not await self._connected(name):
            if time.monotonic() > end:
                raise self._workers[name].failure(f"{name} did not connect")
            if not self._workers[name].alive:
                self._start_worker(name)
            await asyncio.sleep(POLL)

    async def _connected(self, name: str) -> bool:
        return bool((await self.rest(f"workers/{name}"))["workers"][0]["connected_to"])

    async def await_command(self, build_id: int) -> None:
        """Return when a step of the build has a log: its command runs on the worker.

        A worker that dies before that can leave the master waiting for the start of the command, for ever.
        """
        end = time.monotonic() + PATIENCE
        while not await self._has_log(build_id):
            if time.monotonic() > end:
                raise AssertionError(f"no step of build {build_id} has a log")
            await asyncio.sleep(POLL)

    async def _has_log(self, build_id: int) -> bool:
        for step in (await self.rest(f"builds/{build_id}/steps"))["steps"]:
            if (await self.rest(f"steps/{step['stepid']}/logs"))["logs"]:
                return True
        return False

    async def kill_worker(self, name: str = "worker-1") -> None:
        """End a worker, and what it runs, as a crash does."""
        await self._workers[name].kill()

    async def rest(self, path: str) -> Any:
        """Read from Buildbot's own REST interface, as a person's browser does; `path` is below `api/v2/`.

        Buildbot 4.3 writes these answers from a thread (issue 9065): now and then one is cut short, or never ends.
        """
        return await _again(self._read, f"{self.url}api/v2/{path}")

    async def _read(self, url: str) -> Any:
        assert self._session is not None
        async with self._session.get(url, timeout=aiohttp.ClientTimeout(total=10)) as answer:
            answer.raise_for_status()
            return await answer.json(content_type=None)

    async def control(self, path: str, method: str, **parameters: object) -> Any:
        """Press a button as a person does: `cancel` of a request, `stop` or `rebuild` of a build, `force`."""
        assert self._session is not None
        call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
        headers = {"Origin": self.url.rstrip("/"), "Content-Type": "application/json"}
        async with self._session.post(f"{self.url}api/v2/{path}", data=json.dumps(call), headers=headers) as answer:
            answer.raise_for_status()
            return (await answer.json(content_type=None))["result"]

    async def plugin(
        self, method: str, path: str, body: object = None, *, token: str | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Call the bridge's plugin and give status and JSON; `path` is below `plugins/taskcluster/v1/`."""
        assert self._session is not None
        headers = {"Authorization": f"Bearer {self.token if token is None else token}"}
        data = None if body is None else io.BytesIO(json.dumps(body).encode())
        address = f"{self.url}plugins/taskcluster/v1/{path}"
        async with self._session.request(method, address, data=data, headers=headers) as answer:
            return answer.status, await answer.json()
