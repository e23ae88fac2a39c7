"""Taskcluster as the author of tasks meets it: tasks are created, and a task group is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import tenacity
from pydantic import BaseModel, ConfigDict

from bridge.core import faults
from bridge.core.admission import shown
from bridge.core.group import Member
from bridge.core.run import TaskId
from bridge.taskcluster.calls import Calls, parsed_rows
from bridge.taskcluster.credentials import Credentials
from bridge.taskcluster.messages import Slug, StatusWire

_PAGE: Final = 1000
_PAGES: Final = 200  # a bound for a list whose paging would run in circles
_ATTEMPTS: Final = 6
_LONGEST_NAME: Final = 255  # the queue's own bound
_LONGEST: Final = 60.0
"""Seconds to wait between two attempts."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Metadata(_Part):
    name: str = ""


class _Task(_Part):
    metadata: _Metadata = _Metadata()
    dependencies: list[Slug] = []
    requires: str = "all-completed"


class _Row(_Part):
    status: StatusWire
    task: _Task

    def value(self) -> Member:
        dependencies = tuple(TaskId(each) for each in self.task.dependencies)
        name = shown(self.task.metadata.name, _LONGEST_NAME)  # anybody's words, and bound for a terminal
        return Member(self.status.value(), name, dependencies, self.task.requires == "all-completed")


class Author:
    """A person's client. Without credentials it reads as anybody may.

    `say` hears, in words, of each attempt that failed and is repeated.
    """

    def __init__(self, calls: Calls, who: Credentials | None, say: Callable[[str], None]) -> None:
        self._calls = calls
        self._who = who
        self._say = say

    async def create(self, task_id: str, definition: Mapping[str, Any]) -> None:
        """Create the task. A call that may have taken effect is repeated as it was: an equal one creates nothing twice.

        Raises the faults; `Unavailable` only after several attempts, and the task may exist then.
        """
        attempts = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type(faults.Unavailable),
            stop=tenacity.stop_after_attempt(_ATTEMPTS),
            wait=_pause,
            before_sleep=self._told,
            reraise=True,
        )
        await attempts(self._calls.queue, self._who, None, "createTask", task_id, dict(definition))

    def _told(self, state: tenacity.RetryCallState) -> None:
        fault = state.outcome.exception() if state.outcome else None
        self._say(f"{fault}; the same call again in {_pause(state):.0f} s")

    async def scopes(self) -> frozenset[str] | None:
        """The scopes of the credentials, roles expanded; None where they cannot be had."""
        try:
            answer = await self._calls.auth(self._who, None, "currentScopes")
        except faults.Fault:
            return None
        scopes = answer.get("scopes") if isinstance(answer, dict) else None
        return frozenset(map(str, scopes)) if isinstance(scopes, list) else None

    async def members(self, group: str) -> list[Member]:
        """The tasks of a group, in the order of their creation as far as the queue keeps it. Raises the faults."""
        found: dict[str, Member] = {}
        token: str | None = None
        for _ in range(_PAGES):
            query = {"limit": str(_PAGE)} | ({"continuationToken": token} if token else {})
            page = await self._calls.queue(self._who, None, "listTaskGroup", group, query=query)
            for row in parsed_rows(_Row, page.get("tasks") if isinstance(page, dict) else None, "listTaskGroup"):
                found[row.status.taskId] = row.value()
            token = page.get("continuationToken")
            if not isinstance(token, str):
                break
        return list(found.values())


def _pause(state: tenacity.RetryCallState) -> float:
    """Seconds before the next attempt: what the other side asked for, else twice as long each time."""
    fault = state.outcome.exception() if state.outcome else None
    asked = fault.retry_after if isinstance(fault, faults.Unavailable) else None
    return min(asked if asked is not None else 2.0 ** (state.attempt_number - 1), _LONGEST)
