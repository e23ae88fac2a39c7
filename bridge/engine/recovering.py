"""Finding again what rows knew that are lost: which request of an earlier run a retried run holds.

An unbroken chain of retries leads from the run that a request was made for to the run that holds it; the queue's status
shows the chain, Buildbot the request under its first run's key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from bridge.core import chain
from bridge.core.events import Submitted, TaskSeen
from bridge.core.request import RequestState
from bridge.core.run import (
    Building,
    Queued,
    Refused,
    Reporting,
    Request,
    RequestId,
    Run,
    RunId,
    RunKey,
    Settled,
    Stopping,
    Wanted,
)
from bridge.core.status import TaskStatus, taskcluster_priority

if TYPE_CHECKING:
    from bridge.engine.engine import Engine

WHY = "a build request with the run's key had no row"


def rebuilt(key: RunKey, pool: str, state: RequestState, at: datetime) -> Run:
    """The row of the run that a request was made for; a status read then moves it on, or has it stopped."""
    return Run(key, pool, Queued(Request(RequestId(state.request_id), key.run_id)), at, at)


async def predecessors_request(engine: Engine, run: Run, seen: TaskSeen) -> Mapping[RunId, Run] | None:
    """Give a retried run, whose predecessors' rows are lost, the request that passes to it; None if there is none."""
    if next(_links(seen.status, run.key), None) is None:
        return None
    found = await passing_request(engine, run, seen, await engine.rows(run.key.task_id))
    return None if found is None else await give(engine, run, found, seen)


async def passing_request(
    engine: Engine, run: Run, seen: TaskSeen, rows: Mapping[RunId, Run]
) -> tuple[RunId, RequestState] | None:
    """The request that passes to a run though none of the task's rows tells of it, with the run that it was made for."""
    links = list(_links(seen.status, run.key))
    if not links or _tells(links[0], rows):
        return None
    builds = engine.pool_of(run).builds
    for number in [run.key.run_id, *(link for link in links if not _tells(link, rows))]:
        state = await builds.find(RunKey(run.key.task_id, number))
        if state is None or (state.complete and state.master_shutdown):
            continue
        return None if number == run.key.run_id else (number, state)  # one of its own serves it
    return None


def _tells(number: RunId, rows: Mapping[RunId, Run]) -> bool:
    """Whether there is a row that knows of the run's request; one set back, or made anew by a late message, does not."""
    if number not in rows:
        return False
    match rows[number].phase:
        case Wanted(asked=asked):
            return asked
        case Settled(request=request):
            return request is not None
        case Queued() | Building() | Reporting() | Refused() | Stopping():
            return True


async def give(engine: Engine, run: Run, found: tuple[RunId, RequestState], seen: TaskSeen) -> Mapping[RunId, Run]:
    """Put the request found under the run it was made for, which hands it on; where that run has a row, under this one."""
    number, state = found
    made_for = RunKey(run.key.task_id, number)
    if await engine.runs.add(rebuilt(made_for, run.pool, state, seen.at), WHY):
        return await engine.hear(run.key, seen)
    priority = taskcluster_priority(state.priority) or seen.status.priority
    request = Request(RequestId(state.request_id), number)
    return await engine.hear(run.key, seen, Submitted(seen.at, request, run.builder, priority))


def _links(status: TaskStatus, key: RunKey) -> Iterator[RunId]:
    """The runs before this one from which a request passes to it, the nearest first."""
    number = key.run_id
    while chain.passes_on(status, RunId(number - 1)):
        number = RunId(number - 1)
        yield number
