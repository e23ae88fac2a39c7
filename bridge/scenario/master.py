"""Buildbot's side: a ledger of build requests as the plugin tells of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from bridge.core import faults
from bridge.core.order import Order
from bridge.core.request import MASTER_SHUTDOWN, BuildState, RequestState
from bridge.core.run import RequestId, RunKey, TaskId
from bridge.core.verdict import Results

WORKER: Final = "worker-1"
"""Where builds run unless a step says otherwise."""


class Impossible(Exception):  # noqa: N818  not a fault of a call: the scenario contradicts itself
    """A step cannot happen as things are."""


@dataclass(slots=True)
class Ledger:
    """Build requests by number. `up` False: the master answers nobody. `told`: requests that changed since last asked.

    `full` builders take no more requests, `removed` ones are not known; `stubborn` tasks' builds do not stop when told to.
    """

    requests: dict[int, RequestState] = field(default_factory=dict)
    up: bool = True
    full: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    stubborn: set[TaskId] = field(default_factory=set)
    told: dict[int, None] = field(default_factory=dict)
    lost: set[int] = field(default_factory=set)
    builds: int = 0
    made: int = 0

    def submit(self, key: RunKey, order: Order, at: datetime) -> RequestId:
        """Make a request under a key, or name the one that the key has."""
        if (known := self.find(str(key))) is not None:
            return RequestId(known.request_id)
        if order.builder in self.removed:
            raise faults.Unfit(f"unknown builder: builder {order.builder!r} is not configured in any running master")
        if order.builder in self.full:
            raise faults.Full(f"builder {order.builder} takes no more build requests at the moment")
        self.made += 1
        self._keep(RequestState(self.made, str(key), False, False, None, None, at, order.priority, False, ()))
        return RequestId(self.made)

    def find(self, key: str) -> RequestState | None:
        """The request that was made under a key."""
        return next((each for each in self.known() if each.external_id == key), None)

    def known(self) -> Iterator[RequestState]:
        """All requests that were not lost."""
        return (each for number, each in self.requests.items() if number not in self.lost)

    def state(self, number: int) -> RequestState | None:
        """One request, unless it was lost."""
        return None if number in self.lost else self.requests.get(number)

    def cancel(self, key: str, at: datetime) -> RequestState | None:
        """Cancel the request made under a key, as the bridge or a person asks; its state."""
        request = self.find(key)
        if request is None or request.complete:
            return request
        if request.newest is None or request.newest.results is not None:
            self._keep(replace(request, complete=True, results=Results.CANCELLED, complete_at=at))
        elif key.partition("/")[0] not in self.stubborn:
            self.end(request, Results.CANCELLED, at)
        return self.find(key)

    def set_priority(self, key: str, priority: int) -> None:
        """Change a waiting request's priority."""
        request = self.find(key)
        if request is None:
            raise faults.Missing("there is no such build request")
        if request.complete:
            raise faults.Conflicting("the build request is complete")
        self._keep(replace(request, priority=priority))

    def start(self, request: RequestState, worker: str, at: datetime) -> None:
        """Start a build of a request."""
        if request.complete or (request.newest is not None and request.newest.results is None):
            raise Impossible(f"build request {request.request_id} is {'complete' if request.complete else 'being built'}")
        self.builds += 1
        build = BuildState(self.builds, self.builds, 1, worker, at, None, None, None, "building")
        self._keep(replace(request, claimed=True, builds=(*request.builds, build)))

    def end(self, request: RequestState, results: int, at: datetime, *, whole: bool = True, shutdown: bool = False) -> None:
        """End the build that runs, and with it the request if `whole`; `shutdown`: because the master stops."""
        build = request.newest
        if build is None or build.results is not None:
            raise Impossible(f"no build of request {request.request_id} is running")
        why = MASTER_SHUTDOWN if shutdown else None
        over = replace(build, complete_at=at, results=results, interrupted=why, state_string="finished")
        changed = replace(request, builds=(*request.builds[:-1], over))
        if results == Results.RETRY or not whole:
            self._keep(replace(changed, claimed=results != Results.RETRY))
        else:
            self._keep(replace(changed, complete=True, results=results, complete_at=at, master_shutdown=shutdown))

    def complete(self, request: RequestState, results: int, at: datetime) -> None:
        """Complete a request, as when it was merged into another, or some time after its build ended."""
        if request.complete:
            raise Impossible(f"build request {request.request_id} is complete already")
        self._keep(replace(request, complete=True, results=results, complete_at=at))

    def rebuild(self) -> None:
        """Make another request like it, as a person does who presses Rebuild: the plugin tells of the original alone."""
        self.made += 1

    def go(self, at: datetime, *, results: int) -> None:
        """End the master: every build that runs ends, CANCELLED where it stops in order, RETRY where it was killed."""
        for request in list(self.known()):
            if not request.complete and request.newest is not None and request.newest.results is None:
                self.end(request, results, at, shutdown=results == Results.CANCELLED)
        self.up = False

    def _keep(self, request: RequestState) -> None:
        self.requests[request.request_id] = request
        self.told[request.request_id] = None
