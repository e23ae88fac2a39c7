"""A private RabbitMQ from the machine's own server programs, with users as Mozilla's Pulse has them."""

import base64
import hashlib
import json
import os
import re
import secrets
import shutil
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.sandbox import process

START: Final = 180.0
STOP: Final = 30.0
READY: Final = "Server startup complete"
STILL_THERE: Final = re.compile(r"eaddrinuse|address already in use|duplicate_name", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class User:
    """An account of the broker and the regular expressions of what it may configure, write and read in vhost `/`."""

    name: str
    configure: str
    write: str
    read: str
    tags: tuple[str, ...] = ()

    @classmethod
    def of_pulse(cls, name: str) -> Self:
        """The rights that PulseGuardian gives: to the own queues and exchanges, and to read every exchange."""
        own = f"^(queue/{name}/.*|exchange/{name}/.*)$"
        return cls(name, own, own, f"^(queue/{name}/.*|exchange/.*)$")


ADMIN: Final = User("admin", ".*", ".*", ".*", ("administrator",))
PULSE: Final = User.of_pulse("bridge-pulse")


class PrivateRabbit:
    """A broker on 127.0.0.1 that keeps its ports, its users and its durable queues over `stop`, `kill` and `start`.

    A quorum queue that was declared less than some five seconds before a `kill` may be lost for good (RabbitMQ issues
    10070 and 15725): crash tests declare first and kill later.
    """

    def __init__(self, directory: Path, *, management: bool = False, users: tuple[User, ...] = (ADMIN, PULSE)) -> None:
        self._directory = directory
        self._management = management
        self._users = users
        self._password = secrets.token_urlsafe(12)
        self._account = process.Account.of("rabbitmq")
        self._script = installed()
        self._epmd: process.Child | None = None
        self._server: process.Child | None = None
        self._ports: Mapping[str, int] = {}

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The data are thrown away: an orderly end would only cost seconds.
        if self._server:
            await self.kill()
        if self._epmd:
            await self._epmd.kill()

    def url_for(self, user: User) -> str:
        return f"amqp://{user.name}:{self._password}@127.0.0.1:{self._ports['amqp']}/%2F"

    @property
    def url(self) -> str:
        """The broker as its administrator sees it."""
        return self.url_for(ADMIN)

    @property
    def pulse_url(self) -> str:
        """The broker as a user of Pulse sees it: own queues only."""
        return self.url_for(PULSE)

    @property
    def management_url(self) -> str:
        """Address of the management API, with the administrator's name and password; needs `management=True`."""
        return f"http://{ADMIN.name}:{self._password}@127.0.0.1:{self._ports['management']}"

    @property
    def pid(self) -> int:
        return self._running().pid

    async def start(self) -> None:
        """Returns when the broker is ready; the second time on the same ports, with the durable content of before."""
        if self._server and self._server.alive:
            return
        fixed, end = self._ports, time.monotonic() + START
        while not await self._comes_up(fixed or _ports(), end):
            pass

    async def stop(self) -> None:
        """An orderly end; nothing happens when it is not running."""
        if self._server is None:
            return
        self.resume()
        self._server.tell(signal.SIGTERM)
        if not await self._server.ended(STOP):
            await self._server.kill()
        self._server = None

    async def kill(self) -> None:
        """SIGKILL for the broker and all its helpers at once."""
        await self._running().kill()
        self._server = None

    def pause(self) -> None:
        """Freeze the broker: connections stay open and nothing answers."""
        self._running().tell_all(signal.SIGSTOP)

    def resume(self) -> None:
        self._running().tell_all(signal.SIGCONT)

    def _running(self) -> process.Child:
        if self._server is None:
            raise process.ServerDiedError("this RabbitMQ is not running")
        return self._server

    async def _comes_up(self, ports: Mapping[str, int], end: float) -> bool:
        """Whether the broker is ready on these ports; False when one of them is taken."""
        self._ports = ports
        self._write_files()
        if self._epmd is None or not self._epmd.alive:
            self._epmd = self._spawn("epmd", "epmd", "-port", str(ports["epmd"]), "-address", "127.0.0.1")
        self._server = server = self._spawn("log", self._script)
        await process.became_true(lambda: READY in server.log or not server.alive, end - time.monotonic())
        if READY in server.log and server.alive and self._epmd.alive:
            return True
        failure = server.failure("RabbitMQ did not come up")
        taken = STILL_THERE.search(server.log) or not self._epmd.alive
        await self.kill()
        await self._epmd.kill()  # another try may have another port for it
        if taken and time.monotonic() < end:
            return False
        raise failure

    def _write_files(self) -> None:
        directory = process.own_directory(self._directory, self._account)
        files = {
            "rabbitmq.conf": self._configuration(),
            "definitions.json": json.dumps(self._definitions()),
            "enabled_plugins": "[rabbitmq_management]." if self._management else "[].",
            ".erlang.cookie": self._password,
        }
        for name, content in files.items():
            path = directory / name
            path.unlink(missing_ok=True)
            path.write_text(content)
            path.chmod(0o400)
            if self._account:
                os.chown(path, self._account.uid, self._account.gid)

    def _configuration(self) -> str:
        lines = [
            f"listeners.tcp.default = 127.0.0.1:{self._ports['amqp']}",
            f"load_definitions = {self._directory / 'definitions.json'}",
            "log.console = true",
            "log.file = false",
            "vm_memory_high_watermark.absolute = 512MB",
            "disk_free_limit.absolute = 50MB",
        ]
        if self._management:
            lines += ["management.tcp.ip = 127.0.0.1", f"management.tcp.port = {self._ports['management']}"]
        return "\n".join(lines) + "\n"

    def _definitions(self) -> dict[str, object]:
        return {
            "vhosts": [{"name": "/"}],
            "users": [
                {
                    "name": user.name,
                    "password_hash": _hashed(self._password),
                    "hashing_algorithm": "rabbit_password_hashing_sha256",
                    "tags": list(user.tags),
                }
                for user in self._users
            ],
            "permissions": [
                {"user": user.name, "vhost": "/", "configure": user.configure, "write": user.write, "read": user.read}
                for user in self._users
            ],
        }

    def _spawn(self, log: str, *command: str | Path) -> process.Child:
        return process.Child(command, env=self._environment(), log=self._directory / log, account=self._account)

    def _environment(self) -> dict[str, str]:
        inside = {
            "RABBITMQ_CONF_ENV_FILE": "no-environment",  # else the one under /etc wins
            "RABBITMQ_CONFIG_FILE": "rabbitmq.conf",
            "RABBITMQ_ADVANCED_CONFIG_FILE": "no-advanced.config",
            "RABBITMQ_ENABLED_PLUGINS_FILE": "enabled_plugins",
            "RABBITMQ_MNESIA_BASE": "mnesia",
            "RABBITMQ_LOG_BASE": "logs",
            "RABBITMQ_PID_FILE": "pid",
            "RABBITMQ_FEATURE_FLAGS_FILE": "feature_flags",
            "RABBITMQ_SCHEMA_DIR": "schema",
            "RABBITMQ_GENERATED_CONFIG_DIR": "generated",
        }
        return {name: str(self._directory / place) for name, place in inside.items()} | {
            "PATH": os.environ["PATH"],
            "LC_ALL": "C.UTF-8",
            "HOME": str(self._directory),
            "RABBITMQ_NODENAME": "bridge@localhost",  # known to this sandbox's own epmd alone
            "RABBITMQ_DIST_PORT": str(self._ports["dist"]),
            "ERL_EPMD_PORT": str(self._ports["epmd"]),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +S 2:2 +sbwt none",
            "RABBITMQ_LOGS": "-",
            "ERL_CRASH_DUMP_SECONDS": "0",
            # The start script then becomes the broker instead of waiting for it as a shell.
            "RUNNING_UNDER_SYSTEMD": "true",
        }


def installed() -> Path:
    """The start script. Debian's command of the same name in /usr/sbin changes directory and user: not that one."""
    debian = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
    found = debian if debian.exists() else shutil.which("rabbitmq-server")
    if not found:
        raise FileNotFoundError("no rabbitmq-server on PATH or under /usr/lib/rabbitmq")
    return Path(found)


def version(script: Path) -> str:
    """Such as `3.10.8`, read from the name of the directory beside the script's; `unknown` where it is laid out otherwise."""
    homes = [script.resolve().parent, *script.parent.parent.glob("lib/rabbitmq_server-*"), *script.resolve().parents]
    return next((home.name.partition("-")[2] for home in homes if home.name.startswith("rabbitmq_server-")), "unknown")


def _ports() -> Mapping[str, int]:
    return {name: process.free_port() for name in ("amqp", "dist", "epmd", "management")}


def _hashed(password: str) -> str:
    """RabbitMQ's own form: four bytes of salt, then SHA-256 of salt and password."""
    salt = secrets.token_bytes(4)
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()
