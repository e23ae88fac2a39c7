"""Plays the double by hand on a virtual clock: a task in any state, any call, no sockets."""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from tests.contract.taskcluster.replay import ROOT, START, sign
from tests.doubles.taskcluster.api import Answer, Request
from tests.doubles.taskcluster.credentials import Client
from tests.doubles.taskcluster.identifiers import new_slug
from tests.doubles.taskcluster.instants import HOUR, SECOND, zulu
from tests.doubles.taskcluster.site import Site

QUEUE = "proj/queue"
ADMIN = {"clientId": "admin", "accessToken": "token of the administrator"}
SAME = {"workerGroup": "buildbot", "workerId": "bm01"}
OTHER = {"workerGroup": "buildbot", "workerId": "bm02"}


@dataclass(slots=True)
class Drive:
    """One deployment, with an administrator who makes all calls."""

    now: int = START
    deadline_after: int = HOUR
    site: Site = field(init=False)

    def __post_init__(self) -> None:
        clients = {ADMIN["clientId"]: Client(ADMIN["accessToken"], ("*",))}
        self.site = Site(ROOT, clients, now=self.now)

    def call(self, method: str, path: str, body: Any = None, **query: str) -> Answer:
        url = f"{ROOT}/api/queue/v1{path}" + ("?" + urlencode(query) if query else "")
        content = b"" if body is None else json.dumps(body).encode()
        content_type = None if body is None else "application/json"
        header = sign(ADMIN, None, method, url, (content, content_type or ""), self.now)
        return self.site.handle(Request(method, f"/api/queue/v1{path}", url, query, content, content_type, header), self.now)

    def succeed(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        answer = self.call(method, path, body)
        assert answer.status == 200, answer.body
        return answer.body

    def later(self, seconds: float) -> None:
        self.now += round(seconds * SECOND)

    def create(self, **changes: Any) -> str:
        """Create a task, pending unless it depends on something, and answer its id."""
        task_id = new_slug()
        definition = {
            "taskQueueId": QUEUE,
            "created": zulu(self.now),
            "deadline": zulu(self.now + self.deadline_after),
            "payload": {},
            "metadata": {"name": "n", "description": "d", "owner": "o", "source": "https://example.com"},
        }
        self.succeed("PUT", f"/task/{task_id}", definition | changes)
        return task_id

    def claim(self, task_id: str, run_id: int = 0) -> None:
        self.succeed("POST", f"/task/{task_id}/runs/{run_id}/claim", SAME)

    def report(self, task_id: str, how: str, reason: str | None = None) -> None:
        self.succeed("POST", f"/task/{task_id}/runs/0/{how}", None if reason is None else {"reason": reason})
