"""Who serves this database, and that they all mean the same by it."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.store.database import Database
from bridge.store.queries import query


class MismatchError(Exception):
    """Another process serves this database under another identity (worker group, task queues or Taskcluster)."""

    def __init__(self, service: str, name: str, version: str) -> None:
        super().__init__(
            f"{service} {name} (version {version}) serves this database with another worker group, other task queues or "
            "another Taskcluster. Give every service of a deployment the same configuration, and every deployment a "
            "database of its own; or stop that process and wait two minutes."
        )


@dataclass(frozen=True, slots=True)
class Replica:
    """One process, as the others see it. `fingerprint` stands for what must be the same everywhere."""

    name: str
    service: str
    version: str
    fingerprint: str

    async def register(self, database: Database) -> None:
        """Show that this process lives, from now; refuse where another lives that was configured with another identity."""
        async with database.transaction() as connection:
            await connection.execute(query("replica_lock"))
            for row in await connection.fetch(query("replica_strangers"), self.fingerprint, self.name):
                raise MismatchError(row["service"], row["name"], row["version"])
            await connection.execute(query("replica_gone"), self.name)
            await connection.execute(query("replica_seen"), *self._columns())

    async def seen(self, database: Database) -> None:
        """Show that this process still lives."""
        await database.fetch(query("replica_seen"), *self._columns())

    async def gone(self, database: Database) -> None:
        """Say good-bye."""
        await database.fetch(query("replica_gone"), self.name)

    def _columns(self) -> tuple[str, str, str, str]:
        return self.name, self.service, self.version, self.fingerprint
