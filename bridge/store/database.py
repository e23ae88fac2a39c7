"""Connections, and what their faults mean."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import asyncpg

from bridge.core import faults

CONNECT = 10.0  # seconds
COMMAND = 20.0
CLOSE = 5.0

# What clients see of a server that is stopped, restarted, promoted, overloaded or cut off (tried with asyncpg 0.32
# against PostgreSQL 15). The classes are whole families: 57 (operator), 53 (resources), 58 (system), 40 (rolled back).
PASSING = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.PostgresSystemError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    # What asyncpg takes for a defect of its own: a server's last word came, the end of its connection not yet; or bytes
    # that a broken line has garbled.
    asyncpg.InternalClientError,
)
# Said to whoever wants to connect, and to nobody else.
CLOSED = (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError)
# The database was dropped and made anew, or is an older one: our tables, or columns of them, are not there (yet).
BARE = (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError)
# Rolled back by the server, and worth another try at once. The last: a migration changed a table under a prepared
# statement (asyncpg repeats it by itself only outside of transactions; it has dropped its cache by then).
COLLISIONS = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, asyncpg.InvalidCachedStatementError)


_REPEATS = 4
_PAUSE = (0.01, 0.1)  # seconds; without one, the loser of a deadlock can lock its first row before the winner wakes

_P = ParamSpec("_P")
_T = TypeVar("_T")


class CollidedError(faults.Unavailable):
    """Rolled back because of what others did at the same time: nothing was saved, and a repeat is likely to succeed."""


class NotAdmittedError(faults.Unavailable):
    """The server is there and does not let us in: a password was exchanged, or the database is being restored.

    A person mends that, and may do so in any order: a service that gave up instead would lose the claims that it keeps.
    """


class BareDatabaseError(faults.Unavailable):
    """The database lacks tables of this version: it was made anew, or is being restored. Run `bbb migrate`.

    A service that has been running waits for them with the claims that it keeps; one that starts refuses to.
    """


def repeated(work: Callable[_P, Awaitable[_T]]) -> Callable[_P, Coroutine[Any, Any, _T]]:
    """The work, done again some times where it collides with another's."""

    @wraps(work)
    async def again(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        for _ in range(_REPEATS):
            try:
                return await work(*args, **kwargs)
            except CollidedError:
                await asyncio.sleep(random.uniform(*_PAUSE))  # noqa: S311  spreads repeats, guards nothing
        return await work(*args, **kwargs)

    return again


@dataclass(frozen=True, slots=True)
class Database:
    """A pool of connections. Every method has an end in time, and raises `Unavailable` for faults of the server."""

    pool: asyncpg.Pool

    def connections(self) -> tuple[int, int]:
        """How many are open, and how many of those are idle."""
        return self.pool.get_size(), self.pool.get_idle_size()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection]:
        """One connection; faults of the server inside become `Unavailable`."""
        with passing_faults():
            try:
                async with self.pool.acquire(timeout=CONNECT) as connection:
                    with _terminated_if_confused(connection):
                        yield connection
            except asyncpg.ReadOnlySQLTransactionError:
                # This server was primary once. New connections find the one that is now; old ones would stay here.
                await self.pool.expire_connections()
                raise

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[asyncpg.Connection]:
        """One connection in a transaction."""
        async with self.connection() as connection, connection.transaction():
            yield connection

    @repeated
    async def fetch(self, text: str, *args: object) -> list[Any]:
        """All records of one statement, repeated if it collided with another."""
        async with self.connection() as connection:
            return list(await connection.fetch(text, *args))

    async def value(self, text: str, *args: object) -> Any:
        """The first column of the first record of one statement, None where there is no record; repeated as `fetch`."""
        rows = await self.fetch(text, *args)
        return rows[0][0] if rows else None


class passing_faults:  # noqa: N801  reads as a word in `with`
    """Turns what a troubled server raises into `Unavailable`; what a defect of ours raises stays what it is."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, COLLISIONS):
            raise CollidedError(f"PostgreSQL: {error}") from error
        if isinstance(error, CLOSED) or closed_to_all(error):
            raise NotAdmittedError(f"PostgreSQL: {error}") from error
        if isinstance(error, BARE):
            raise BareDatabaseError(f"PostgreSQL: {error}; the database may need `bbb migrate`") from error
        if isinstance(error, PASSING) or _of_connection(error):
            raise faults.Unavailable(f"PostgreSQL: {error or type(error).__name__}") from error


def closed_to_all(error: BaseException | None) -> bool:
    """Whether an operator has closed the database. The kind itself counts: its descendants mean other things."""
    return type(error) is asyncpg.ObjectNotInPrerequisiteStateError


@contextmanager
def _terminated_if_confused(connection: asyncpg.Connection) -> Iterator[None]:
    """A connection about which asyncpg has lost its bearings goes no further; it would stay so for the next user."""
    try:
        yield
    except asyncpg.InternalClientError:
        connection.terminate()
        raise


def _of_connection(error: BaseException | None) -> bool:
    """InterfaceError is how asyncpg says "connection is closed"; one that is a ValueError besides blames the address."""
    return isinstance(error, asyncpg.InterfaceError) and not isinstance(error, ValueError)


@asynccontextmanager
async def opened(
    dsn: str | Callable[[], str],
    *,
    size: int = 8,
    name: str = "buildbot-bridge",
    command_timeout: float = COMMAND,
    read_only: bool = False,
) -> AsyncIterator[Database]:
    """Open a pool; connections are made as they are needed, so a server that is away now may come later.

    `dsn` is asked at each connection where it is a function, so that an exchanged password works without a restart.
    With `read_only` the server refuses every write.

    No statement takes longer than `command_timeout` seconds, whether the server works on it, waits for a lock or is gone.
    """
    address = dsn if callable(dsn) else lambda: dsn

    async def connect(*_: object, **options: Any) -> asyncpg.Connection:
        return await asyncpg.connect(address(), **options)

    pool = await asyncpg.create_pool(
        connect=connect,
        min_size=0,
        max_size=size,
        timeout=CONNECT,
        command_timeout=command_timeout,
        max_inactive_connection_lifetime=60,
        reset=_nothing_to_reset,
        server_settings={
            "application_name": name,
            "statement_timeout": str(int(command_timeout * 1000)),
            "idle_in_transaction_session_timeout": "30000",
            "timezone": "UTC",
            **({"default_transaction_read_only": "on"} if read_only else {}),
        },
    )
    try:
        yield Database(pool)
    finally:
        await _closed(pool)


async def _nothing_to_reset(_connection: asyncpg.Connection) -> None:
    """Spares a round trip per use: no statement of ours changes its session, and transactions end with their block."""


async def _closed(pool: asyncpg.Pool) -> None:
    try:
        async with asyncio.timeout(CLOSE):
            await pool.close()
    except TimeoutError:  # a server that does not answer does not keep us
        pool.terminate()
