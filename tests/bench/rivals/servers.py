"""Where the servers are, and the calls that more than one rival makes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import taskcluster.aio

PENDING = "exchange/taskcluster-queue/v1/task-pending"
WORKER = {"workerGroup": "rival", "workerId": "ledger-1"}
LIVES = "2027-11-01T00:00:00.000Z"
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Servers:
    """What the bench tells every rival."""

    root_url: str
    key: str
    amqp: str
    buildbot: str
    token: str
    dsn: str

    @classmethod
    def read(cls, path: str) -> "Servers":
        return cls(**json.loads(Path(path).read_text()))

    @property
    def plugin(self) -> str:
        return f"{self.buildbot}/plugins/taskcluster/v1"

    def client(self, session: aiohttp.ClientSession) -> Any:
        """The permanent client."""
        credentials = {"clientId": "bridge", "accessToken": self.key}
        return taskcluster.aio.Queue({"rootUrl": self.root_url, "credentials": credentials}, session=session)

    def of_run(self, claim: Json, task: str, session: aiohttp.ClientSession) -> Any:
        """The run's own client, narrowed to what it may need: its credentials carry the task's scopes as well."""
        scopes = [f"queue:{verb}:{task}/0" for verb in ("create-artifact", "resolve-task")]
        options = {"rootUrl": self.root_url, "credentials": claim["credentials"], "authorizedScopes": scopes}
        return taskcluster.aio.Queue(options, session=session)


class Plugin:
    """Calls to the plugin."""

    def __init__(self, servers: Servers, session: aiohttp.ClientSession) -> None:
        self._base, self._session = servers.plugin, session
        self._headers = {"Authorization": f"Bearer {servers.token}"}

    async def call(self, method: str, path: str, body: Json | None = None, query: Mapping[str, str] | None = None) -> Any:
        url = f"{self._base}/{path}"
        async with self._session.request(method, url, json=body, params=query, headers=self._headers) as answer:
            text = await answer.text()
            if answer.status >= 300:
                raise RuntimeError(f"{method} {path}: {answer.status} {text[:200]}")
            return json.loads(text) if answer.content_type == "application/json" else text

    async def submit(self, task: str, definition: Json) -> None:
        payload = definition["payload"]
        body = {"builder": payload["buildername"], "properties": payload["properties"], "reason": task, "not_before": 0}
        await self.call("PUT", f"runs/{task}/0", body)


async def told(plugin: Plugin, queue: Any, task: str, build: int, session: aiohttp.ClientSession) -> None:
    """Read what a build left, attach it to the run, and report success: the calls that any program needs."""
    properties = await plugin.call("GET", f"builds/{build}/properties")
    record = await plugin.call("GET", f"builds/{build}/steps")
    await plugin.call("GET", f"builds/{build}/outputs")
    log = await plugin.call("GET", f"builds/{build}/logs/{record['steps'][0]['logs'][0]['logid']}")
    for name, content in (
        ("properties.json", json.dumps(properties)),
        ("build.json", json.dumps(record)),
        ("backing.log", log),
    ):
        body = {"storageType": "s3", "expires": LIVES, "contentType": "text/plain"}
        answer = await queue.createArtifact(task, "0", f"public/{name}", body)
        async with session.put(answer["putUrl"], data=content.encode(), headers={"Content-Type": "text/plain"}) as put:
            await put.read()
    for name in ("build", "live.log"):
        body = {
            "storageType": "reference",
            "expires": LIVES,
            "contentType": "text/html",
            "url": f"https://example.com/{build}",
        }
        await queue.createArtifact(task, "0", f"public/{name}", body)
    await queue.reportCompleted(task, "0")
