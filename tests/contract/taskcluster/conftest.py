"""A running double, and the unmodified Taskcluster client that talks to it."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
import taskcluster.aio

from tests.doubles.taskcluster.server import Server, serving
from tests.doubles.taskcluster.settings import Settings

QUEUE = "proj/queue"
CONFIG: dict[str, Any] = {
    "clients": {
        "root": {"accessToken": "token of root", "scopes": ["*"]},
        "bridge": {
            "accessToken": "token of the bridge",
            "scopes": [
                f"queue:claim-task:{QUEUE}",
                "queue:worker-id:buildbot/*",
                f"queue:pending-list:{QUEUE}",
                "queue:status:*",
                "queue:get-task:*",
                "auth:expand-scopes",
            ],
        },
    },
    "roles": {"builders": ["buildbot-bridge:builder-name:linux"]},
    "periods": {"pollSeconds": 0.05, "publishSeconds": 0.2, "claimWorkSeconds": 0.5, "claimWorkPollSeconds": 0.05},
}


@pytest.fixture
async def double() -> AsyncIterator[Server]:
    async with serving(Settings.of(CONFIG)) as server:
        yield server


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        yield session


@pytest.fixture
def client(double: Server, http: aiohttp.ClientSession) -> Callable[..., Any]:
    """Make a client of a service: `client("bridge")`, or with the credentials of a claim."""

    def make(who: str | dict[str, str], scopes: list[str] | None = None, service: Any = taskcluster.aio.Queue) -> Any:
        known = CONFIG["clients"].get(who) if isinstance(who, str) else None
        credentials = {"clientId": who, "accessToken": known["accessToken"]} if known else who
        options: dict[str, Any] = {"rootUrl": double.root_url, "credentials": credentials, "maxRetries": 0}
        if scopes is not None:
            options["authorizedScopes"] = scopes
        return service(options, session=http)

    return make
