"""How the two sides show a run now: read within a limit of time, with errors in words."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Collection
from dataclasses import dataclass
from typing import TypeVar

from bridge.core import faults
from bridge.core.ledger import Entry
from bridge.core.request import BuildState, RequestState
from bridge.core.run import TaskId, request_of
from bridge.core.status import RunStatus, TaskStatus
from bridge.engine.words import results_name
from bridge.status import answers
from bridge.status.ports import Sides

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Away:
    """A side did not answer; `why` in words."""

    why: str


@dataclass(frozen=True, slots=True)
class Live:
    """Reads both sides."""

    sides: Sides

    async def read(self, side: str, call: Awaitable[T]) -> T | Away:
        """What the side answers, or why it does not."""
        try:
            async with asyncio.timeout(self.sides.limit):
                return await call
        except TimeoutError:
            return Away(f"{side} did not answer within {self.sides.limit:g} s")
        except faults.Missing as missing:
            return Away(f"{side} does not know it: {missing}")
        except faults.NotAllowed as shut:
            return Away(f"{side} does not let the bridge read: {shut}")
        except faults.Fault as fault:
            return Away(f"{side}: {fault}")

    async def taskcluster(self, task_id: TaskId) -> answers.TaskclusterView:
        """The task's status."""
        page = f"{self.sides.root_url.rstrip('/')}/tasks/{task_id}"
        match await self.read("Taskcluster", self.sides.tasks.status(task_id)):
            case Away(why=why):
                return answers.TaskclusterView(**_UNREAD_TASK, error=why, page=page)
            case status:
                return task_view(status, page)

    async def buildbot(self, entry: Entry) -> answers.BuildbotView:
        """The state of the run's build request."""
        pool = self.sides.pools.get(entry.run.pool)
        if pool is None:
            return _unread(f"pool {entry.run.pool} is not in the settings of this process")
        name, request = f"Buildbot {pool.buildbot}", request_of(entry.run)
        asked = pool.builds.state(request.id) if request else pool.builds.find(entry.run.key)
        match await self.read(name, asked):
            case Away(why=why):
                return _unread(why)
            case None:
                of = f"build request {request.id}" if request else f"a build request for run {entry.run.key}"
                return _unread(f"{name} does not know {of}")
            case state:
                page = await self.read(name, pool.builds.build_url(state))
                return request_view(state, None if isinstance(page, Away) else page)

    async def dependencies(self, tasks: Collection[TaskId]) -> tuple[list[answers.Dependent], str | None]:
        """What these tasks depend on; the error, if that could not be read."""
        match await self.read("Taskcluster", self.sides.tasks.dependencies(tasks)) if tasks else {}:
            case Away(why=why):
                return [], why
            case found:
                return [answers.Dependent(task_id=task, depends_on=list(on)) for task, on in sorted(found.items())], None

    async def happenings(self, entry: Entry) -> tuple[list[answers.Happening], str | None]:
        """What Buildbot did for a run; the error, if that could not be read."""
        view = await self.buildbot(entry)
        number = entry.run.key.run_id
        if view.error is not None:
            return [], view.error
        found = [_happened(view.submitted_at, number, f"build request {view.request_id} made for {view.made_for}")]
        for build in view.builds or ():
            found.append(_happened(build.started_at, number, f"build {build.build_id} started on {build.worker}"))
            found.append(_happened(build.complete_at, number, f"build {build.build_id} ended: {build.results}"))
            found += await self._steps(entry, build.build_id)
        found.append(_happened(view.complete_at, number, f"build request {view.request_id} complete: {view.results}"))
        return [each for each in found if each is not None], None

    async def _steps(self, entry: Entry, build: int) -> list[answers.Happening | None]:
        pool = self.sides.pools[entry.run.pool]
        record = await self.read("Buildbot", pool.builds.record(build))
        if isinstance(record, Away):
            return []
        number = entry.run.key.run_id
        return [
            _happened(step.complete_at, number, f"step {step.name} ended: {results_name(step.results)}")
            for step in record.steps
            if not step.hidden
        ]


_UNREAD_TASK = dict.fromkeys(("state", "priority", "deadline", "retries_left", "runs"))


def task_view(status: TaskStatus, page: str) -> answers.TaskclusterView:
    """A status for people."""
    return answers.TaskclusterView(
        error=None,
        page=page,
        state=status.state,
        priority=status.priority,
        deadline=status.deadline,
        retries_left=status.retries_left,
        runs=[_task_run(number, run) for number, run in enumerate(status.runs)],
    )


def _task_run(number: int, run: RunStatus) -> answers.TaskRun:
    return answers.TaskRun(
        run_id=number,
        state=run.state.value,
        reason_created=run.reason_created,
        scheduled=run.scheduled,
        worker_group=run.worker.group if run.worker else None,
        worker_id=run.worker.id if run.worker else None,
        taken_until=run.taken_until,
        reason_resolved=run.reason_resolved,
        resolved=run.resolved,
    )


def _unread(why: str) -> answers.BuildbotView:
    nothing = dict.fromkeys(set(answers.BuildbotView.model_fields) - {"error"})
    return answers.BuildbotView(**nothing, error=why)


def request_view(state: RequestState, page: str | None) -> answers.BuildbotView:
    """A request's state for people."""
    return answers.BuildbotView(
        error=None,
        page=page,
        request_id=state.request_id,
        made_for=state.external_id,
        claimed=state.claimed,
        complete=state.complete,
        results=None if state.results is None else results_name(state.results),
        submitted_at=state.submitted_at,
        complete_at=state.complete_at,
        priority=state.priority,
        builds=[_build(build) for build in state.builds],
    )


def _build(build: BuildState) -> answers.Build:
    return answers.Build(
        build_id=build.build_id,
        number=build.number,
        worker=build.worker,
        started_at=build.started_at,
        complete_at=build.complete_at,
        results=None if build.results is None else results_name(build.results),
        state=build.state_string,
    )


def _happened(at: answers.Moment | None, run_id: int, what: str) -> answers.Happening | None:
    return None if at is None else answers.Happening(at=at, side="buildbot", run_id=run_id, what=what)
