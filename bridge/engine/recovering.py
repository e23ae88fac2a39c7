"""Finding again what rows knew that are lost: which request of an earlier run a retried run holds.

An unbroken chain of retries leads from the run that a request was made for to the run that holds it; the queue's status
shows the chain, Buildbot the request under its first run's key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from bridge.core import chain
from bridge.core.events import TaskSeen
from bridge.core.request import RequestState
from bridge.core.run import Queued, Request, RequestId, Run, RunId, RunKey
from bridge.core.status import TaskStatus

if TYPE_CHECKING:
    from bridge.engine.engine import Engine

WHY = "a build request with the run's key had no row"


def rebuilt(key: RunKey, pool: str, state: RequestState, at: datetime) -> Run:
    """The row of the run that a request was made for; a status read then moves it on, or has it stopped."""
    return Run(key, pool, Queued(Request(RequestId(state.request_id), key.run_id)), at, at)


async def predecessors_request(engine: Engine, run: Run, seen: TaskSeen) -> Mapping[RunId, Run] | None:
    """Give a retried run, whose predecessors' rows are lost, the request that passes to it; None if there is none."""
    links = list(_links(seen.status, run.key))
    if not links or links[0] in (rows := await engine.rows(run.key.task_id)):
        return None
    builds = engine.pool_of(run).builds
    for number in [run.key.run_id, *(link for link in links if link not in rows)]:
        key = RunKey(run.key.task_id, number)
        state = await builds.find(key)
        if state is None:
            continue
        if number == run.key.run_id:
            return None  # it has one of its own
        await engine.runs.add(rebuilt(key, run.pool, state, seen.at), WHY)
        return await engine.hear(run.key, seen)
    return None


def _links(status: TaskStatus, key: RunKey) -> Iterator[RunId]:
    """The runs before this one from which a request passes to it, the nearest first."""
    number = key.run_id
    while chain.passes_on(status, RunId(number - 1)):
        number = RunId(number - 1)
        yield number
