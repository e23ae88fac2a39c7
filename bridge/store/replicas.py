"""Who serves this database, and that they all mean the same by it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from bridge.core.deployment import Deployment
from bridge.store.database import Database
from bridge.store.queries import query
from bridge.store.rows import Row


class MismatchError(Exception):
    """Another process serves this database and understands something else by it; the text says what, and what to do."""

    def __init__(self, other: Replica, conflicts: Sequence[str]) -> None:
        super().__init__(
            f"{other.service} {other.name} (version {other.version}) serves this database and is configured otherwise: "
            f"{'; '.join(conflicts)}. Give every service of a deployment the same settings, and every deployment a "
            "database of its own; or stop that process and wait two minutes."
        )


@dataclass(frozen=True, slots=True)
class Replica:
    """One process, as the others see it."""

    name: str
    service: str
    version: str
    deployment: Deployment
    said: str = field(init=False, repr=False)
    """The deployment as it is stored: said again and again, so written once."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "said", json.dumps(asdict(self.deployment), sort_keys=True))

    async def register(self, database: Database) -> None:
        """Show that this process lives, from now; refuse where another lives that was configured otherwise."""
        async with database.transaction() as connection:
            await connection.execute(query("replica_lock"))
            for other in map(_replica, await connection.fetch(query("replica_others"), self.name)):
                if conflicts := list(self.deployment.conflicts(other.deployment)):
                    raise MismatchError(other, conflicts)
            await connection.execute(query("replica_gone"), self.name)
            await connection.execute(query("replica_seen"), *self._columns())

    async def seen(self, database: Database) -> None:
        """Show that this process still lives."""
        await database.fetch(query("replica_seen"), *self._columns())

    async def gone(self, database: Database) -> None:
        """Say good-bye."""
        await database.fetch(query("replica_gone"), self.name)

    def _columns(self) -> tuple[str, str, str, str]:
        return self.name, self.service, self.version, self.said


async def others(database: Database, name: str) -> list[Replica]:
    """The processes other than `name` that showed life within two minutes, by name."""
    return [_replica(row) for row in await database.fetch(query("replica_others"), name)]


async def served(database: Database, name: str, own: Deployment) -> frozenset[str]:
    """The pools that somebody serves: `name`, which is configured so, or another process that lives."""
    living = [own, *(other.deployment for other in await others(database, name))]
    return frozenset(pool for deployment in living for pool in deployment.pools)


def _replica(row: Row) -> Replica:
    return Replica(row["name"], row["service"], row["version"], _deployment(row["deployment"]))


def _deployment(text: str) -> Deployment:
    """What a process has said of itself; parts that this version does not know are left out."""
    said: dict[str, Any] = json.loads(text)
    return Deployment(said["whole"], said["pools"])
