"""The store over a database of each test's own."""

from collections.abc import AsyncIterator

import pytest

from bridge.store import database
from bridge.store.runs import Runs


@pytest.fixture
async def opened(postgres_dsn: str) -> AsyncIterator[database.Database]:
    async with database.opened(postgres_dsn) as pool:
        yield pool


@pytest.fixture
def store(opened: database.Database) -> Runs:
    return Runs(opened, "me", ("linux",))
