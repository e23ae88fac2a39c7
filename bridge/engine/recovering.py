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
    Queued,
    Request,
    RequestId,
    Run,
    RunId,
    RunKey,
    Settled,
    request_of,
)
from bridge.core.status import TaskStatus, run_in, taskcluster_priority

if TYPE_CHECKING:
    from bridge.engine.engine import Engine

WHY = "a build request with the run's key had no row"


def rebuilt(key: RunKey, pool: str, state: RequestState, at: datetime) -> Run:
    """The row of the run that a request was made for; a status read then moves it on, or has it stopped."""
    return Run(key, pool, Queued(Request(RequestId(state.request_id), key.run_id)), at, at)


async def telling(engine: Engine, run: Run, seen: TaskSeen) -> RunId | None:
    """The run before this one if its request passes to this one and its row tells of it."""
    link = next(_links(seen.status, run.key), None)
    return link if link is not None and chain.tells(await engine.rows(run.key.task_id), link) else None


async def predecessors_request(engine: Engine, run: Run, seen: TaskSeen) -> Mapping[RunId, Run] | None:
    """Give a retried run, whose predecessors' rows are lost, the request that passes to it; None if there is none."""
    links = list(_links(seen.status, run.key))
    if not links or chain.tells(rows := await engine.rows(run.key.task_id), links[0]):
        return None
    builds = engine.pool_of(run).builds
    for number in [run.key.run_id, *(link for link in links if not chain.tells(rows, link))]:
        state = await builds.find(RunKey(run.key.task_id, number))
        claimed = seen.status.runs[number : run.key.run_id]
        if state is None or state.master_shutdown or chain.is_spent(state, claimed, seen.rules):
            continue
        if number == run.key.run_id:
            return None  # it has one of its own
        return await _given(engine, run, number, state, seen)
    return None


async def called_back(engine: Engine, run: Run, rows: Mapping[RunId, Run], submitted: Submitted) -> None:
    """Cancel a request whose submit was on its way for so long that its run was settled without it.

    As far as Taskcluster shows that no later run may take it over; what is left is for the sweep that finds strangers.
    """
    row = rows.get(run.key.run_id)
    if row is None or not isinstance(row.phase, Settled):
        return
    if any(request_of(each) == submitted.request for each in rows.values()):
        return
    status = await engine.queue.status(run.key.task_id)
    ended = run_in(status, run.key.run_id)
    if ended is None or ended.resolved is None or chain.passes_on(status, run.key.run_id):
        return
    engine.observer.alarm("stray_request", run.key, f"request {submitted.request.id} came after its run was over; cancelled")
    await engine.pool_of(run).builds.cancel(run.key, "Taskcluster resolved the run")


async def _given(engine: Engine, run: Run, number: RunId, state: RequestState, seen: TaskSeen) -> Mapping[RunId, Run]:
    """Put the request under the run it was made for, which hands it on; where that run has a row, under this one."""
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
