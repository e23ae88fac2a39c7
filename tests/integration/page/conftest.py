from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser

from bridge.store import database
from bridge.store.runs import Runs
from tests.integration.status.serving import Served, serving


@pytest.fixture
async def store(postgres_dsn: str) -> AsyncIterator[Runs]:
    async with database.opened(postgres_dsn) as opened:
        yield Runs(opened, "reflector-1", ("linux",))


@pytest.fixture
async def api(postgres_dsn: str, tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(postgres_dsn, tmp_path) as served:
        yield served


@pytest.fixture
def browser(chromium: Browser) -> Browser:
    return chromium
