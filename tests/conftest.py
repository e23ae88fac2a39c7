"""Servers for every test: started once for the run, handed over as addresses. Pools are made by the tests themselves.

`postgres_dsn` and `empty_dsn` are databases of one test alone; `amqp_url` and `pulse_url` are one broker for the whole run,
so tests name their queues and exchanges uniquely. A test that stops or kills a server starts its own from `tests.sandbox`.
"""

import contextlib
import os
import secrets
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.release.image import built
from tests.sandbox import backend, browser, process
from tests.sandbox.postgres import create_database, drop_database


def pytest_configure() -> None:
    """Children of a run in the background would ignore Ctrl-C, as their parent does; tests press it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_report_header() -> list[str]:
    """Which servers this run would use, so that a log proves it."""
    return [
        f"postgresql: {_described(backend.postgres_source)}",
        f"rabbitmq: {_described(backend.rabbitmq_source)}",
    ]


def _described(source: Callable[..., backend.Source]) -> str:
    try:
        return str(source(os.environ))
    except backend.NoServerError as error:
        return f"none ({str(error).splitlines()[0]})"


@contextlib.contextmanager
def loud() -> Iterator[None]:
    """A missing server ends the whole run: a test is never skipped for it."""
    try:
        yield
    except backend.NoServerError as error:
        pytest.exit(str(error), returncode=2)


@pytest.fixture(scope="session")
def servers_directory() -> Iterator[Path]:
    """Where the run's servers live; pytest's own temporary directories are closed to other accounts."""
    with process.scratch("tests") as directory:
        yield directory


@pytest.fixture(scope="session")
async def postgres(servers_directory: Path) -> AsyncIterator[backend.Database]:
    with loud():
        source = backend.postgres_source(os.environ)
        async with backend.open_postgres(source, servers_directory / "postgres") as server:
            yield server


@pytest.fixture(scope="session")
async def rabbitmq(servers_directory: Path) -> AsyncIterator[backend.Broker]:
    with loud():
        source = backend.rabbitmq_source(os.environ)
        async with backend.open_rabbitmq(source, servers_directory / "rabbitmq") as server:
            yield server


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """The browser of the run; each test opens tabs of its own."""
    with loud():
        async with browser.opened() as opened:
            yield opened


@pytest.fixture(scope="session")
async def migrated(postgres: backend.Database) -> AsyncIterator[str]:
    """Name of a database with the current schema and no rows, to be copied: tens of milliseconds instead of a migration."""
    from bridge.store import migrate

    async with _database(postgres, "template1") as (name, dsn):
        await migrate.migrate(dsn)
        yield name


@pytest.fixture(scope="session")
def image() -> str:
    """The image of what the tree says now, by its name; where none can be built, the error says what is missing."""
    return built()


@pytest.fixture
async def postgres_dsn(postgres: backend.Database, migrated: str) -> AsyncIterator[str]:
    """A database of this test alone, with the current schema and no rows."""
    async with _database(postgres, migrated) as (_, dsn):
        yield dsn


@pytest.fixture
async def empty_dsn(postgres: backend.Database) -> AsyncIterator[str]:
    """A database of this test alone with nothing in it."""
    async with _database(postgres, "template1") as (_, dsn):
        yield dsn


@pytest.fixture
def amqp_url(rabbitmq: backend.Broker) -> str:
    """The broker as its administrator sees it."""
    return rabbitmq.url


@pytest.fixture
def pulse_url(rabbitmq: backend.Broker) -> str:
    """The broker as a user of Pulse sees it: the name `bridge-pulse`, own queues and exchanges only, every exchange readable."""
    with loud():
        return rabbitmq.pulse_url


@contextlib.asynccontextmanager
async def _database(server: backend.Database, template: str) -> AsyncIterator[tuple[str, str]]:
    name = f"bridge_test_{secrets.token_hex(6)}"
    dsn = await create_database(server.dsn(), name, template=template)
    try:
        yield name, dsn
    finally:
        await drop_database(server.dsn(), name)
