"""Which servers the tests run on: named in the environment, else this machine's own programs, else containers.

Each server is chosen for itself. `BRIDGE_TEST_BACKEND` = `env`, `local` or `docker` forces one way for both.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

import aio_pika
import asyncpg

from tests.sandbox import postgres, rabbitmq

CONTAINER_PASSWORD: Final = "bridge"
INSTALL: Final = "./dev setup    (as root or with sudo: apt-get install --no-install-recommends postgresql rabbitmq-server)"


class NoServerError(Exception):
    """There is no server to test on; the message says what was looked for and which command installs one."""


@dataclass(frozen=True, slots=True)
class Given:
    """A running server that the environment names."""

    address: str
    pulse: str | None = None

    def __str__(self) -> str:
        where = urlsplit(self.address)
        return f"given by the environment, {where.hostname}:{where.port}"


@dataclass(frozen=True, slots=True)
class Local:
    """A private server from this machine's programs."""

    program: Path
    version: str

    def __str__(self) -> str:
        return f"private, {self.version} ({self.program})"


@dataclass(frozen=True, slots=True)
class Container:
    image: str

    def __str__(self) -> str:
        return f"container, {self.image}"


Source = Given | Local | Container


class Database(Protocol):
    def dsn(self, database: str = ...) -> str:
        """Address of this database; without a name, of one that is always there."""


class Broker(Protocol):
    @property
    def url(self) -> str:
        """The broker as its administrator sees it."""

    @property
    def pulse_url(self) -> str:
        """The broker as a user of Pulse sees it."""


def postgres_source(environ: Mapping[str, str]) -> Source:
    """Where PostgreSQL comes from; `BRIDGE_TEST_PG_DSN` names a role that may create databases."""
    dsn = environ.get("BRIDGE_TEST_PG_DSN")
    return _choose(environ, "BRIDGE_TEST_PG_DSN", Given(dsn) if dsn else None, _local_postgres, Container("postgres:17"))


def rabbitmq_source(environ: Mapping[str, str]) -> Source:
    """Where RabbitMQ comes from; `BRIDGE_TEST_AMQP_URL` is an administrator's, `BRIDGE_TEST_PULSE_URL` a user of Pulse's."""
    url = environ.get("BRIDGE_TEST_AMQP_URL")
    given = Given(url, environ.get("BRIDGE_TEST_PULSE_URL")) if url else None
    return _choose(environ, "BRIDGE_TEST_AMQP_URL", given, _local_rabbitmq, Container("rabbitmq:4"))


def _choose(
    environ: Mapping[str, str], variable: str, given: Given | None, find: Callable[[], Local], container: Container
) -> Source:
    match environ.get("BRIDGE_TEST_BACKEND", ""):
        case "":
            return given or _found(find) or (container if _engine_answers() else _nothing(variable))
        case "env":
            return given or _nothing(f"{variable} in the environment")
        case "local":
            return _found(find) or _nothing("server programs of this machine")
        case "docker":
            return container if _engine_answers() else _nothing("container engine that answers")
        case other:
            raise NoServerError(f"BRIDGE_TEST_BACKEND is {other!r}: it may be env, local or docker")


def _nothing(what: str) -> Source:
    raise NoServerError(f"no {what}, and nothing to take its place. Install the servers:\n    {INSTALL}")


def _found(find: Callable[[], Local]) -> Local | None:
    try:
        return find()
    except FileNotFoundError:
        return None


def _local_postgres() -> Local:
    programs = postgres.installed()
    return Local(programs, postgres.version(programs))


def _local_rabbitmq() -> Local:
    script = rabbitmq.installed()
    return Local(script, rabbitmq.version(script))


def _engine_answers() -> bool:
    """Whether a container engine answers; a `docker` command on PATH would prove nothing."""
    import docker

    try:
        client = docker.from_env(timeout=3)  # type: ignore[attr-defined]
    except docker.errors.DockerException:
        return False
    try:
        return bool(client.ping())
    except (docker.errors.DockerException, OSError):
        return False
    finally:
        client.close()


@contextlib.asynccontextmanager
async def open_postgres(source: Source, directory: Path) -> AsyncIterator[Database]:
    """A server that answers. A server named in the environment that does not is an error: there is no falling through."""
    match source:
        case Given(address):
            await _require_postgres(address)
            yield GivenDatabase(address)
        case Local(program):
            async with postgres.PrivatePostgres(directory, binaries=program) as server:
                yield server
        case Container(image):
            with _postgres_container(image) as dsn:
                yield GivenDatabase(dsn)


@contextlib.asynccontextmanager
async def open_rabbitmq(source: Source, directory: Path) -> AsyncIterator[Broker]:
    """A broker that answers, with an administrator and, where it can be made, a user with the rights of Pulse."""
    match source:
        case Given(address, pulse):
            await _require_rabbitmq(address)
            yield GivenBroker(address, pulse)
        case Local():
            async with rabbitmq.PrivateRabbit(directory) as server:
                yield server
        case Container(image):
            with _rabbitmq_container(image) as broker:
                yield broker


@dataclass(frozen=True, slots=True)
class GivenDatabase:
    address: str

    def dsn(self, database: str = "") -> str:
        return postgres.at(self.address, database) if database else self.address


@dataclass(frozen=True, slots=True)
class GivenBroker:
    url: str
    given_pulse_url: str | None

    @property
    def pulse_url(self) -> str:
        if self.given_pulse_url is None:
            raise NoServerError(
                "BRIDGE_TEST_AMQP_URL needs BRIDGE_TEST_PULSE_URL beside it: the same broker as a user of Pulse"
            )
        return self.given_pulse_url


async def _require_postgres(dsn: str) -> None:
    try:
        connection = await asyncpg.connect(dsn, timeout=10)
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        raise NoServerError(f"the PostgreSQL of BRIDGE_TEST_PG_DSN does not answer: {error!r}") from error
    await connection.close(timeout=10)


async def _require_rabbitmq(url: str) -> None:
    try:
        with _silent("aio_pika", "aiormq"):
            connection = await aio_pika.connect(url, timeout=10)
    except (OSError, TimeoutError, aio_pika.exceptions.AMQPError) as error:
        raise NoServerError(f"the RabbitMQ of BRIDGE_TEST_AMQP_URL does not answer: {error!r}") from error
    await asyncio.wait_for(connection.close(), 10)


@contextlib.contextmanager
def _silent(*names: str) -> Iterator[None]:
    """These loggers say nothing meanwhile: the clients log an error for each failed connect, beside raising it."""
    before = {name: logging.getLogger(name).level for name in names}
    try:
        for name in names:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


@contextlib.contextmanager
def _postgres_container(image: str) -> Iterator[str]:
    from testcontainers.community.postgres import PostgresContainer

    with PostgresContainer(image, username=postgres.ROLE, password=CONTAINER_PASSWORD, driver=None) as container:
        yield container.get_connection_url()


@contextlib.contextmanager
def _rabbitmq_container(image: str) -> Iterator[GivenBroker]:
    from testcontainers.community.rabbitmq import RabbitMqContainer

    admin, pulse = rabbitmq.ADMIN.name, rabbitmq.PULSE
    with RabbitMqContainer(image, username=admin, password=CONTAINER_PASSWORD) as container:
        for words in (
            ["add_user", pulse.name, CONTAINER_PASSWORD],
            ["set_permissions", "-p", "/", pulse.name, pulse.configure, pulse.write, pulse.read],
        ):
            status, said = container.exec(["rabbitmqctl", *words])
            if status:
                raise NoServerError(f"rabbitmqctl {words[0]} failed in the container: {said!r}")
        where = f"{container.get_container_host_ip()}:{container.get_exposed_port(5672)}/%2F"
        yield GivenBroker(
            f"amqp://{admin}:{CONTAINER_PASSWORD}@{where}", f"amqp://{pulse.name}:{CONTAINER_PASSWORD}@{where}"
        )
