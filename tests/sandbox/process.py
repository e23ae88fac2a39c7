"""Child processes: started without root's rights, ended with their parent, never left behind."""

import asyncio
import contextlib
import os
import pwd
import random
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

POLL = 0.02
EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")


class ServerDiedError(Exception):
    """A server of the sandbox ended by itself or was not ready in time; the message holds the end of its log."""


@dataclass(frozen=True, slots=True)
class Account:
    """Whom a server runs as when the caller is root: PostgreSQL refuses root, and a broker needs none of its rights."""

    uid: int
    gid: int

    @classmethod
    def of(cls, *names: str) -> Self | None:
        """First of these accounts that exists; None for an ordinary user, who runs servers under the own name."""
        if os.geteuid() != 0:
            return None
        known = {entry.pw_name: entry for entry in pwd.getpwall()}
        entry = next(known[name] for name in (*names, "nobody") if name in known)
        return cls(entry.pw_uid, entry.pw_gid)


class Child:
    """One running program: leader of its own process group (Ctrl-C does not reach it), signalled when its parent dies."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str],
        log: Path,
        account: Account | None,
        last: str = "KILL",
    ) -> None:
        """Start it. `last` names the signal that it gets when this process ends without having stopped it."""
        # setpriv changes the user first and asks for the signal after it: the kernel forgets the wish at a change of user.
        rights = ("--reuid", str(account.uid), "--regid", str(account.gid), "--clear-groups") if account else ()
        self._log = log
        self._offset = log.stat().st_size if log.exists() else 0
        with log.open("ab") as out:
            self._popen = subprocess.Popen(
                ["setpriv", *rights, "--pdeathsig", last, "--", *command],
                cwd=log.parent, env=dict(env), stdin=subprocess.DEVNULL, stdout=out, stderr=out, process_group=0,
            )  # fmt: skip

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def alive(self) -> bool:
        return self._popen.poll() is None

    @property
    def status(self) -> int | None:
        """Exit status, None while it runs, negative after a signal."""
        return self._popen.poll()

    @property
    def log(self) -> str:
        """What it wrote since it was started."""
        with self._log.open("rb") as written:
            written.seek(self._offset)
            return written.read().decode(errors="replace")

    def tell(self, *signals: signal.Signals) -> None:
        """Send signals to the program itself; nothing happens when it is gone."""
        for number in signals:
            self._popen.send_signal(number)

    def tell_all(self, number: signal.Signals) -> None:
        """Send a signal to the program and to everything it started."""
        for pid in (self.pid, *descendants(self.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    async def ended(self, within: float) -> bool:
        """Whether it ended within so many seconds."""
        return await became_true(lambda: not self.alive, within)

    async def kill(self) -> None:
        """SIGKILL for it and all that it started; returns when all of them are gone."""
        family = descendants(self.pid) if self.alive else ()
        self.tell_all(signal.SIGKILL)
        if not await became_true(lambda: not self.alive and not any(running(pid) for pid in family), 10):
            raise ServerDiedError(f"process {self.pid} cannot be killed")

    def failure(self, what: str) -> ServerDiedError:
        """The error that shows the last lines of the log."""
        return ServerDiedError(f"{what} (exit status {self.status}); log:\n" + "\n".join(self.log.splitlines()[-15:]))


async def became_true(condition: Callable[[], bool], within: float) -> bool:
    """Whether the condition held at some time within so many seconds."""
    end = time.monotonic() + within
    while not condition():
        if time.monotonic() > end:
            return False
        await asyncio.sleep(POLL)
    return True


def running(pid: int) -> bool:
    """Whether this process exists and is no zombie (where PID 1 does not reap, `kill(pid, 0)` finds the dead too)."""
    found = _stat(pid)
    return found is not None and found[0] not in "ZX"


def descendants(ancestor: int) -> tuple[int, ...]:
    """Processes that it started, and theirs."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (found := _stat(int(entry.name))):
            children.setdefault(found[1], []).append(int(entry.name))
    family, unvisited = [], [ancestor]
    while unvisited:
        unvisited.extend(born := children.get(unvisited.pop(), []))
        family.extend(born)
    return tuple(family)


def _stat(pid: int) -> tuple[str, int] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name stands in parentheses and may hold anything; state and parent follow the last one.
    state, parent = text[text.rindex(")") + 2 :].split()[:2]
    return state, int(parent)


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on.

    Taken from below the range that the kernel gives to outgoing connections: a server that is restarted finds it free
    again, and a client that keeps connecting to it while the server is down cannot meet itself.
    """
    lowest = int(EPHEMERAL.read_text().split()[0]) if EPHEMERAL.exists() else 0
    candidates = random.sample(range(10_000, lowest), 50) if lowest > 20_000 else []
    return next(port for port in map(_bound, (*candidates, 0)) if port)


def _bound(port: int) -> int | None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return None
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def scratch(purpose: str) -> Iterator[Path]:
    """A temporary directory that the servers' accounts may enter; removed at the end."""
    with tempfile.TemporaryDirectory(prefix=f"bridge-{purpose}-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


def own_directory(directory: Path, account: Account | None) -> Path:
    """The directory, made if need be, and given to the account."""
    directory.mkdir(parents=True, exist_ok=True)
    if account:
        os.chown(directory, account.uid, account.gid)
    return directory
