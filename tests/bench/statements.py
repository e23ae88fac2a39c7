"""Which statements the services ran, by the names of their files."""

from collections import Counter

import asyncpg

from bridge.store.queries import names, query
from tests.bench.house import House

CONTROL = ("BEGIN", "COMMIT", "ROLLBACK")


async def begin(house: House) -> None:
    """Have the server count."""
    await _run(house, "CREATE EXTENSION IF NOT EXISTS pg_stat_statements")


async def reset(house: House) -> None:
    await _run(house, "SELECT pg_stat_statements_reset()")


async def _run(house: House, statement: str) -> None:
    connection = await asyncpg.connect(house.dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def counted(house: House) -> dict[str, int]:
    """How often each named query ran, and transactions began; what the bench itself asks is left out."""
    rows = await house.rows(
        "SELECT query, calls FROM pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    known = {_comment(query(name)): name for name in names()}
    found = Counter[str]()
    for row in rows:
        name = known.get(_comment(row["query"])) or next((word for word in CONTROL if row["query"].startswith(word)), None)
        if name is not None:
            found[name] += row["calls"]
    return dict(sorted(found.items()))


def _comment(text: str) -> str:
    return text.strip().splitlines()[0]
