"""Looks at the database."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from bridge.core import faults
from bridge.core.deployment import unserved
from bridge.doctor.finding import Finding, failure, ok, warning
from bridge.settings import Settings
from bridge.store import checkup, database, migrate, replicas
from bridge.store.people import People

_SKEW = 5.0
_NAME = "bbb doctor"
_ONE_IDENTITY = "Give every service of a deployment the same settings, and every deployment a database of its own."
UNSERVED = "Put the pool back into the services' settings until `bbb status` counts no runs of it."


async def look(settings: Settings) -> AsyncIterator[Finding]:
    """Reachable, migrated, the right role, the right time, and served under one identity."""
    dsn = settings.database.address()
    try:
        with checkup.refusals_in_words():
            async with database.opened(dsn, size=1, name=_NAME) as opened:
                facts = await checkup.facts(opened)
                yield ok("database", f"PostgreSQL {facts.version}, database {facts.database}, role {facts.role}")
                for finding in _about(facts):
                    yield finding
                missing = await migrate.pending(dsn)
                if missing:
                    yield failure("database: tables", f"not migrated: {', '.join(missing)} missing", "Run: bbb migrate")
                    return
                yield ok("database: tables", "up to date")
                for look_at in (_replicas, _pools):
                    async for finding in look_at(opened, settings):
                        yield finding
    except checkup.RefusedError as error:
        yield failure("database", "PostgreSQL refuses", str(error))
    except migrate.MigrationError as error:
        yield failure("database: tables", "the database does not fit this version", str(error))
    except faults.Unavailable as error:
        yield failure(
            "database", str(error), "Check host and port in database.dsn, that the server runs, and that it may be reached."
        )


def _about(facts: checkup.Facts) -> list[Finding]:
    found = []
    if facts.superuser:
        found.append(
            warning(
                "database: role",
                f"{facts.role} is a superuser",
                "Give the bridge a role of its own: CREATE ROLE bridge LOGIN PASSWORD '…'; and the database.",
            )
        )
    if not (facts.encrypted or facts.local):
        found.append(warning("database: TLS", "the connection is not encrypted", "Add sslmode=verify-full to database.dsn."))
    skew = (datetime.fromtimestamp(time.time(), UTC) - facts.now).total_seconds()
    if abs(skew) > _SKEW:
        said = f"this machine's clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} the database's"
        found.append(warning("database: time", said, "Synchronise both machines by NTP."))
    return found


async def _replicas(opened: database.Database, settings: Settings) -> AsyncIterator[Finding]:
    """Who serves the database now: under one identity, of one version, and every pool that has runs."""
    own = settings.deployment()
    serving = await replicas.others(opened, _NAME)
    strangers = [other for other in serving if list(own.conflicts(other.deployment))]
    for other in strangers:
        said = f"{other.service} {other.name} serves this database and is configured otherwise: "
        yield failure("database: identity", said + "; ".join(own.conflicts(other.deployment)), _ONE_IDENTITY)
    versions = sorted({other.version for other in serving if other not in strangers})
    if len(versions) > 1:
        yield warning("database: versions", f"services of versions {', '.join(versions)} run at once", "Finish the upgrade.")
    if not strangers:
        yield ok("database: identity", f"{len(serving)} services live, none configured otherwise")


async def _pools(opened: database.Database, settings: Settings) -> AsyncIterator[Finding]:
    served = await replicas.served(opened, _NAME, settings.deployment())
    for pool, runs in unserved(await People(opened).counts(), served).items():
        said = f"nobody serves it, and {runs} of its runs {'is' if runs == 1 else 'are'} unsettled"
        yield failure(f"pool {pool}", said, UNSERVED)
