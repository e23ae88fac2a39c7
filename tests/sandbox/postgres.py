"""A private PostgreSQL from the machine's own server programs."""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from tests.sandbox import process

ROLE: Final = "bridge"
START: Final = 60.0
STOP: Final = 30.0
MODES: Final[Mapping[str, signal.Signals]] = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
VOLATILE: Final = ("fsync", "synchronous_commit", "full_page_writes")
# What a dying predecessor leaves for a moment: its port, its shared memory, its lock file.
STILL_THERE: Final = re.compile(r"Address already in use|shared memory block|is another postmaster")


class PrivatePostgres:
    """A server on 127.0.0.1 that keeps its port and its data over `stop`, `kill` and `start`.

    Not durable by default: quick, and a killed server may have lost rows. Crash tests ask for `durable=True`.
    """

    def __init__(self, directory: Path, *, durable: bool = False, binaries: Path | None = None) -> None:
        self._directory = directory
        self._durable = durable
        self._binaries = binaries or installed()
        self._account = process.Account.of("postgres")
        self._server: process.Child | None = None
        self.port = 0

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop("immediate")

    def dsn(self, database: str = "postgres") -> str:
        return f"postgresql://{ROLE}@127.0.0.1:{self.port}/{database}"

    @property
    def pid(self) -> int:
        """The postmaster's process id."""
        return self._running().pid

    async def start(self) -> None:
        """Returns when the server answers; the second time on the same port, with the data of before."""
        if self._server and self._server.alive:
            return
        if not (self._directory / "data").exists():
            await self._make_data()
        fixed, end = self.port, time.monotonic() + START
        while not await self._answers(fixed or process.free_port(), end):
            await asyncio.sleep(process.POLL)

    async def stop(self, mode: Literal["smart", "fast", "immediate"] = "fast") -> None:
        """Returns when the server is gone; nothing happens when it is not running."""
        if self._server is None:
            return
        self.resume()
        self._server.tell(MODES[mode])
        if not await self._server.ended(STOP):
            await self._server.kill()
        self._server = None

    async def kill(self) -> None:
        """SIGKILL for the whole server at once, as in a loss of power of its machine."""
        await self._running().kill()
        self._server = None

    async def restart_immediate(self) -> None:
        """Stop without a checkpoint and start again: connections break, recovery runs."""
        await self.stop("immediate")
        await self.start()

    def pause(self) -> None:
        """Freeze the server: connections stay open and nothing answers."""
        self._running().tell_all(signal.SIGSTOP)

    def resume(self) -> None:
        self._running().tell_all(signal.SIGCONT)

    def _running(self) -> process.Child:
        if self._server is None:
            raise process.ServerDiedError("this PostgreSQL is not running")
        return self._server

    async def _make_data(self) -> None:
        process.own_directory(self._directory, self._account)
        initdb = self._spawn(
            "initdb",
            "-D",
            "data",
            "-U",
            ROLE,
            "--auth=trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
            "--no-instructions",
        )
        if not await initdb.ended(START) or initdb.status:
            await initdb.kill()
            raise initdb.failure("initdb failed")

    async def _answers(self, port: int, end: float) -> bool:
        """Whether the server came up on this port; False when what it needs is still taken."""
        self._server, self.port = self._spawn("postgres", "-D", "data", "-p", str(port), *self._settings()), port
        while time.monotonic() < end:
            if not self._server.alive:
                if STILL_THERE.search(self._server.log):
                    return False
                raise self._server.failure("PostgreSQL ended while starting")
            if await connects(self.dsn()):
                return True
            await asyncio.sleep(process.POLL)
        failure = self._server.failure(f"PostgreSQL was not ready within {START:.0f} s")
        await self.kill()
        raise failure

    def _settings(self) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": "200",
            "dynamic_shared_memory_type": "mmap",  # inside the directory: a killed server leaves nothing in /dev/shm
        }
        if not self._durable:
            settings |= dict.fromkeys(VOLATILE, "off")
        return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]

    def _spawn(self, program: str, *arguments: str) -> process.Child:
        env = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(self._directory)}
        return process.Child(
            [self._binaries / program, *arguments],
            env=env,
            log=self._directory / "log",
            account=self._account,
            last="QUIT",  # the quickest end at which PostgreSQL still gives back its shared memory
        )


def installed() -> Path:
    """Directory of the newest server programs of this machine (Debian does not put them on PATH)."""
    onpath = shutil.which("postgres")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda found: float(found.parent.name), reverse=True)
    candidates = [*([Path(onpath).parent] if onpath else []), *debian]
    for found in candidates:
        if (found / "postgres").exists() and (found / "initdb").exists():
            return found
    raise FileNotFoundError("no PostgreSQL server programs on PATH or under /usr/lib/postgresql")


def program(name: str) -> Path:
    """A client program of this machine, such as `pg_dump`: beside the server's, else on PATH."""
    beside = installed() / name
    found = beside if beside.exists() else shutil.which(name)
    if not found:
        raise FileNotFoundError(f"no {name} beside the PostgreSQL server programs or on PATH")
    return Path(found)


def version(binaries: Path) -> str:
    """Such as `15.18`."""
    said = subprocess.run([binaries / "postgres", "--version"], check=True, capture_output=True, text=True, timeout=10)
    return said.stdout.split()[2]


async def connects(dsn: str) -> bool:
    """Whether a server answers there and accepts sessions."""
    try:
        connection = await asyncpg.connect(dsn, timeout=2)
    except (OSError, TimeoutError, asyncpg.CannotConnectNowError):
        return False
    await connection.close()
    return True


def at(dsn: str, database: str) -> str:
    """The same server, another database."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{database}"))


async def create_database(server: str, name: str, *, template: str = "template1") -> str:
    """DSN of a new database with the template's content; `server` is the DSN of any database of that server."""
    await _execute(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return at(server, name)


async def drop_database(server: str, name: str) -> None:
    """It is gone, and so are the sessions in it."""
    await _execute(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


async def _execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        await connection.execute(statement, timeout=60)
    finally:
        await connection.close(timeout=10)
