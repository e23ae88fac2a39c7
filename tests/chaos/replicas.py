"""The replicas as the harness sees them: started through the zygote, killed, stopped, started again."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.sandbox.stack import ROOT

Arm = tuple[str, str, int]
STARTING = 30.0


@dataclass
class Replica:
    """One process, from its start to its end; `name` outlives it, such as `reflector.2`."""

    name: str
    pid: int
    arm: Arm | None
    seen: Path
    log: Path
    ended: "asyncio.Future[int]"

    @property
    def service(self) -> str:
        return self.name.partition(".")[0]

    @property
    def alive(self) -> bool:
        return not self.ended.done()

    def tell(self, number: signal.Signals) -> None:
        """Send a signal, if it lives."""
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def last_words(self) -> str:
        """The end of its log."""
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - 4000))
            return log.read().decode(errors="replace")

    def points(self) -> list[tuple[str, str, str]]:
        """What it passed: (`seen` or `hit`, effect, `before` or `after`)."""
        lines = self.seen.read_text().splitlines() if self.seen.exists() else []
        return [tuple(json.loads(line)) for line in lines if line.endswith("]")]


@dataclass
class Zygote:
    """The parent of all replicas. Logs are `<name>.log` in the directory, one for all processes of a name."""

    directory: Path
    config: Path
    _process: asyncio.subprocess.Process | None = None
    _reader: "asyncio.Task[None] | None" = None
    _starting: dict[str, "asyncio.Future[int]"] = field(default_factory=dict)
    _ended: dict[int, "asyncio.Future[int]"] = field(default_factory=dict)
    _ready: asyncio.Event = field(default_factory=asyncio.Event)
    _started: int = 0

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            "setpriv", "--pdeathsig", "KILL", "--", sys.executable, "-m", "tests.chaos.zygote",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}, cwd=ROOT,
        )  # fmt: skip
        self._reader = asyncio.create_task(self._read())
        self.switch = self.directory / "armed"
        self.switch.write_bytes(b"\1")
        (self.directory / "seen").mkdir()
        await asyncio.wait_for(self._ready.wait(), STARTING)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        assert self._reader is not None
        self._process.kill()
        await self._process.wait()
        await self._reader

    def armed(self, *, on: bool) -> None:
        """Whether arms count: a byte that all replicas look at."""
        with self.switch.open("r+b") as byte:
            byte.write(b"\1" if on else b"\0")

    async def start(self, name: str, *arguments: str, arm: Arm | None = None) -> Replica:
        """Fork a process that is `bbb` with these arguments; returns when it exists."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._started += 1
        seen = self.directory / "seen" / str(self._started)
        order = {
            "name": name,
            "arguments": arguments or (name.partition(".")[0],),
            "environment": {"BBB_CONFIG": str(self.config)},
            "log": str(self.directory / f"{name}.log"),
            "seen": str(seen),
            "switch": str(self.switch),
            "arm": arm,
        }
        self._starting[name] = asyncio.get_running_loop().create_future()
        self._process.stdin.write((json.dumps(order) + "\n").encode())
        pid = await asyncio.wait_for(self._starting[name], STARTING)
        return Replica(name, pid, arm, seen, self.directory / f"{name}.log", self._ended[pid])

    async def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self._hear(json.loads(line))

    def _hear(self, report: dict[str, Any]) -> None:
        loop = asyncio.get_running_loop()
        match report:
            case {"ready": _}:
                self._ready.set()
            case {"started": name, "pid": pid}:
                self._ended[pid] = loop.create_future()
                self._starting.pop(name).set_result(pid)
            case {"ended": pid, "status": status}:
                self._ended.pop(pid).set_result(status)
