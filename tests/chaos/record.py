"""What both sides saw, collected while it happens: the double keeps only the newest calls."""

import asyncio
import re
import time
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Final

from tests.chaos import tables
from tests.history.evidence import Cancel, Evidence
from tests.sandbox.stack import GROUP, Stack

CANCEL: Final = re.compile(rb"POST /plugins/taskcluster/v1/runs/([^/ ]+/\d+)/cancel HTTP/1.1\r\n")
EVERY: Final = 3.0
Json = dict[str, Any]


@dataclass
class Record:
    """Calls and changes of the round's tasks; `forget` starts the next round."""

    stack: Stack
    cancels: list[Cancel] = field(default_factory=list)
    calls: list[Json] = field(default_factory=list)
    history: list[Json] = field(default_factory=list)
    _calls_to: int = 0
    _history_to: int = 0
    _requests_to: int = 0

    def heard(self, sent: bytes) -> None:
        """Note the cancels that the bridge asks of Buildbot's plugin, as they pass by."""
        for found in CANCEL.finditer(sent):
            self.cancels.append(Cancel(time.time(), found[1].decode()))

    async def keep(self) -> None:
        """Collect until cancelled."""
        while True:
            await self.read()
            await asyncio.sleep(EVERY)

    async def read(self) -> None:
        """Collect what is new."""
        calls, self._calls_to = await self._window("journal", "entries", self._calls_to)
        history, self._history_to = await self._window("history", "transitions", self._history_to)
        self.calls += [call for call in calls if call["client"] != "admin"]
        self.history += history

    async def _window(self, window: str, name: str, since: int) -> tuple[list[Json], int]:
        found: list[Json] = []
        while True:
            page = await self.stack.control("GET", f"{window}?since={since}")
            found += page[name]
            if page["next"] == since:
                return found, since
            since = page["next"]

    async def evidence(self, tasks: Collection[str]) -> Evidence:
        """All that is known of these tasks."""
        await self.read()
        found = [await self.stack.control("GET", f"tasks/{task}") for task in tasks]
        kept = set(tasks)
        requests = defaultdict[str, list[Json]](list)
        for request in await asyncio.to_thread(tables.requests, tables.place(self.stack), "", self._requests_to):
            if request["key"].partition("/")[0] in kept:
                requests[request["key"]].append(request)
        asked = [cancel for cancel in self.cancels if cancel.key.partition("/")[0] in kept]
        return Evidence(
            calls=[call for call in self.calls if call["taskId"] is None or call["taskId"] in kept],
            history=[change for change in self.history if change["taskId"] in kept],
            tasks=dict(zip(tasks, found, strict=True)),
            requests=dict(requests),
            cancels=asked,
            group=GROUP,
        )

    def forget(self, evidence: Evidence) -> None:
        """The round is over, and so are its tasks."""
        self.calls.clear()
        self.history.clear()
        self.cancels.clear()
        numbers = [each["buildrequestid"] for requests in evidence.requests.values() for each in requests]
        self._requests_to = max([self._requests_to, *numbers])
