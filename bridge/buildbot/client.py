"""The calls to the bridge's plugin in one Buildbot master, each as one method that gives values of the core."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeVar

from pydantic import BaseModel, TypeAdapter

from bridge.buildbot import messages
from bridge.buildbot.answers import Builder, Changes, States, Submitted, Version
from bridge.buildbot.build_reader import BuildReader
from bridge.buildbot.errors import NotFound, Unavailable
from bridge.buildbot.exchange import Exchange
from bridge.core.order import Sourcestamp
from bridge.core.request import RequestState

MAX_IDS: Final = 10_000
"""Ids in one call of the plugin; it reads as many in about a quarter of a second."""
MAX_PAGE: Final = 1_000

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")


def _adapter(model: type[M]) -> TypeAdapter[M]:
    return TypeAdapter(model)


_SUBMITTED: Final = _adapter(messages.SubmittedAnswer)
_STATE: Final = _adapter(messages.State)
_STATES: Final = _adapter(messages.StatesAnswer)
_PAGE: Final = _adapter(messages.PageAnswer)
_CHANGES: Final = _adapter(messages.ChangesAnswer)
_BUILDERS: Final = _adapter(messages.BuildersAnswer)
_VERSION: Final = _adapter(messages.VersionAnswer)
_PROPERTIES: Final[TypeAdapter[dict[str, tuple[object, str]]]] = TypeAdapter(dict[str, tuple[object, str]])


class Buildbot:
    """One master as the bridge sees it. Every method may be repeated; all may raise the faults of `errors`."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.of_build = BuildReader(exchange)

    async def submit(  # noqa: PLR0913 - the fields of one wire message
        self,
        task_id: str,
        run_id: int,
        *,
        builder: str,
        properties: Mapping[str, object],
        sourcestamps: Sequence[Sourcestamp] = (),
        priority: int = 0,
        reason: str,
        not_before: datetime,
    ) -> Submitted:
        """Request a build for a run, or learn which request the run has; both are the same answer.

        `not_before` must be no later than any submission of this run can have been: take it from what never changes
        about the run, never from the present time.
        """
        body = {
            "builder": builder,
            "properties": dict(properties),
            "sourcestamps": [_stamp(each) for each in sourcestamps],
            "priority": priority,
            "reason": reason[:256],
            "not_before": max(0, int(not_before.timestamp())),
        }
        answer = await self._sure(_SUBMITTED, "PUT", _run(task_id, run_id), body=body)
        if (answer.external_id, answer.builder) != (f"{task_id}/{run_id}", builder):
            raise Unavailable(f"the plugin answered for {answer.external_id} on {answer.builder!r}")
        return answer.value()

    async def find(self, task_id: str, run_id: int, *, not_before: datetime | None = None) -> RequestState | None:
        """Read the request made for a run, or None; `not_before`, as in `submit`, only makes it faster."""
        query = {} if not_before is None else {"not_before": str(max(0, int(not_before.timestamp())))}
        return await self._state("GET", task_id, run_id, "", query=query)

    async def cancel(self, task_id: str, run_id: int, reason: str) -> RequestState | None:
        """Ask for the cancel of the request made for a run; its state as of before, or None if there is no request.

        Buildbot acts on it later, or not at all: ask again until the state is complete.
        """
        return await self._state("POST", task_id, run_id, "/cancel", body={"reason": reason[:1000]})

    async def set_priority(self, task_id: str, run_id: int, priority: int) -> RequestState | None:
        """Change the priority of a run's request while nobody has claimed it; its state, or None if there is none."""
        return await self._state("POST", task_id, run_id, "/priority", body={"priority": priority})

    async def _state(  # noqa: PLR0913 - one HTTP call and the run it must be about
        self,
        method: str,
        task_id: str,
        run_id: int,
        action: str,
        *,
        body: object = None,
        query: Mapping[str, str] | None = None,
    ) -> RequestState | None:
        try:
            path = _run(task_id, run_id) + action
            state = (await self._exchange.call(_STATE, method, path, body=body, query=query)).value()
        except NotFound:
            return None
        if state.external_id != f"{task_id}/{run_id}":
            raise Unavailable(f"the plugin answered for {state.external_id}, not for {task_id}/{run_id}")
        return state

    async def _sure(
        self,
        answer: TypeAdapter[T],
        method: str,
        path: str,
        *,
        body: object = None,
        query: Mapping[str, str] | None = None,
    ) -> T:
        """Make a call to which "not found" is no answer: the address leads elsewhere, or to another version's plugin."""
        try:
            return await self._exchange.call(answer, method, path, body=body, query=query)
        except NotFound as elsewhere:
            raise Unavailable(str(elsewhere)) from elsewhere

    async def states(self, ids: Sequence[int]) -> States:
        """Read many requests by id. An id is `missing` only when the plugin says so, never because it is left out."""
        wanted = list(dict.fromkeys(ids))
        # The first answer's place in the changes is the oldest, so watching on from it misses nothing of the others.
        parts = [await self._some(wanted[start : start + MAX_IDS]) for start in range(0, max(1, len(wanted)), MAX_IDS)]
        return States(
            parts[0].epoch,
            parts[0].seq,
            tuple(state for part in parts for state in part.states),
            tuple(each for part in parts for each in part.missing),
        )

    async def _some(self, ids: Sequence[int]) -> States:
        body = {"buildrequestids": list(ids)}
        answer = await self._sure(_STATES, "POST", "states", body=body)
        if [entry.buildrequestid for entry in answer.states] != list(ids):
            raise Unavailable("the plugin's answer does not hold exactly the requests that were asked for")
        found = tuple(entry.value() for entry in answer.states if isinstance(entry, messages.State))
        missing = tuple(entry.buildrequestid for entry in answer.states if isinstance(entry, messages.Unknown))
        return States(answer.epoch, answer.seq, found, missing)

    async def requests(self, *, completed_since: datetime | None = None) -> AsyncIterator[tuple[RequestState, ...]]:
        """Read, page by page, all requests that carry a run's name: the open ones, or those completed since."""
        which = {"open": "1"} if completed_since is None else {"completed_since": str(int(completed_since.timestamp()))}
        after: int | None = 0
        while after is not None:
            query = {**which, "after": str(after), "limit": str(MAX_PAGE)}
            page = await self._sure(_PAGE, "GET", "requests", query=query)
            if page.next is not None and page.next <= after:
                raise Unavailable("the plugin's pages do not advance")
            yield tuple(state.value() for state in page.states)
            after = page.next

    async def changes(self, epoch: str | None, after: int, wait: float) -> Changes:
        """Read what changed after `after` in `epoch`; the plugin waits up to `wait` seconds, 55 at most, for it."""
        query = {"after": str(after), "wait": str(int(wait))} | ({} if epoch is None else {"epoch": epoch})
        return (await self._exchange.poll(_CHANGES, "changes", query=query, wait=wait)).value()

    async def builders(self) -> tuple[Builder, ...]:
        """Read which builders are configured in a running master and open to the bridge."""
        return (await self._sure(_BUILDERS, "GET", "builders")).value()

    async def properties(self, build_id: int) -> dict[str, tuple[object, str]]:
        """Read a build's properties, name to (value, source); raises NotFound for a build that is not of the bridge."""
        return await self._exchange.call(_PROPERTIES, "GET", f"builds/{build_id}/properties")

    async def version(self) -> Version:
        """Read who answers; also the cheapest way to learn that address and token are right."""
        return (await self._sure(_VERSION, "GET", "version")).value()


def _run(task_id: str, run_id: int) -> str:
    return f"runs/{task_id}/{run_id}"


def _stamp(stamp: Sourcestamp) -> dict[str, str | None]:
    return {
        "codebase": stamp.codebase,
        "repository": stamp.repository,
        "branch": stamp.branch,
        "revision": stamp.revision,
        "project": stamp.project,
    }
