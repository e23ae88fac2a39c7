"""Migrations: numbered SQL files, applied in order, once, by one process at a time.

Old and new versions serve one database while an upgrade is rolled out. `0003_what.since-0002.sql` says in its name that a
version whose newest migration is 0002 goes on working once this one is applied: it only adds (tables, indexes, columns that
may be left out, values of a CHECK). What takes something away comes in a later release, when the code does without it. A
migration that says nothing ends the work of every older version: that one must not be started again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

import asyncpg

from bridge.store.database import passing_faults

LOCK = 0x6262_6272_6964_6765  # "bbbridge": the advisory lock that starters queue at
_SINCE = re.compile(r"\.since-(\d{4})\.sql$")
_TABLE = """
CREATE TABLE migrations (
    name       text        PRIMARY KEY,
    checksum   text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now())
"""


class MigrationError(Exception):
    """The database and this version's migrations do not fit; the text says how, and what to do."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of `sql/migrations`; never edited once released."""

    name: str
    text: str

    @property
    def number(self) -> str:
        """Its place in the order: the first four characters."""
        return self.name[:4]

    @property
    def since(self) -> str:
        """The number of the oldest migration whose version works on with this one applied."""
        found = _SINCE.search(self.name)
        return found[1] if found else self.number

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, in hex."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def migrations() -> list[Migration]:
    """All migrations of this version, in order."""
    found = (entry for entry in files("sql").joinpath("migrations").iterdir() if entry.name.endswith(".sql"))
    return sorted((Migration(e.name, e.read_text(encoding="utf-8")) for e in found), key=lambda m: m.name)


async def migrate(dsn: str, *, timeout: float = 60.0) -> list[str]:  # noqa: ASYNC109  handed to the driver
    """Bring the database up to this version; the names of the migrations applied now. Safe to run many times at once.

    Raises `MigrationError` where an applied migration was changed, or is one that ends the work of this version, and
    `faults.Unavailable` where the server does not answer.
    """
    with passing_faults():
        connection = await asyncpg.connect(dsn, timeout=timeout, command_timeout=timeout)
        try:
            await connection.execute("SELECT pg_advisory_lock($1)", LOCK)
            if not await _begun(connection):
                await connection.execute(_TABLE)
            missing = await _missing(connection)
            for migration in missing:
                await _apply(connection, migration)
            return [migration.name for migration in missing]
        finally:
            await connection.close()


async def pending(dsn: str, *, timeout: float = 10.0) -> list[str]:  # noqa: ASYNC109  handed to the driver
    """The names of the migrations that the database still lacks; raises as `migrate`."""
    with passing_faults():
        connection = await asyncpg.connect(dsn, timeout=timeout, command_timeout=timeout)
        try:
            missing = await _missing(connection) if await _begun(connection) else migrations()
            return [migration.name for migration in missing]
        finally:
            await connection.close()


async def _begun(connection: asyncpg.Connection) -> bool:
    return bool(await connection.fetchval("SELECT to_regclass('migrations') IS NOT NULL"))


async def _missing(connection: asyncpg.Connection) -> Sequence[Migration]:
    applied = {row["name"]: row["checksum"] for row in await connection.fetch("SELECT name, checksum FROM migrations")}
    known = {migration.name: migration for migration in migrations()}
    newest = max(migration.number for migration in known.values())
    for name, checksum in applied.items():
        if name not in known:
            if Migration(name, "").since > newest:
                raise MigrationError(
                    f"the database has migration {name}, which this version does not know and cannot work with: it was "
                    "migrated by a newer version. Run that version, or restore a backup from before its migration."
                )
        elif known[name].checksum != checksum:
            raise MigrationError(
                f"migration {name} was changed after it had been applied to this database. Install the released "
                "package again; migrations are never edited."
            )
    return [migration for name, migration in known.items() if name not in applied]


async def _apply(connection: asyncpg.Connection, migration: Migration) -> None:
    async with connection.transaction():
        await connection.execute("SET LOCAL lock_timeout = '10s'")
        # The name goes in first: whoever comes by another way conflicts here, before anything else happens.
        await connection.execute(
            "INSERT INTO migrations (name, checksum) VALUES ($1, $2)", migration.name, migration.checksum
        )
        await connection.execute(migration.text)
