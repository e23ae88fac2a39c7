"""Requests that carry our keys and that no row knows: rows were lost, or a submit outlived its run."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from bridge.core import faults
from bridge.core.chain import is_spent, newborn
from bridge.core.events import TaskSeen
from bridge.core.request import RequestState
from bridge.core.run import RunId, RunKey, Settled, TaskId, request_of
from bridge.core.status import RunState, TaskStatus, run_in
from bridge.engine.engine import Engine
from bridge.engine.pool import Pool
from bridge.engine.recovering import WHY, rebuilt
from bridge.engine.sweeps import key_of

# A finished build whose report was lost with the rows is found while its claim lives: about two claim periods.
RECENT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Strangers:
    """The sweep that rebuilds the mapping from both sides."""

    engine: Engine

    async def sweep(self, pools: Collection[Pool]) -> list[RunKey]:
        """Look at the requests of one Buildbot with our keys; give each that matters its row back, end the rest."""
        builds = next(iter(pools)).builds
        found: list[RunKey] = []
        async for page in builds.strangers(self.engine.clock.now() - RECENT):
            found += await self._page(page, {pool.task_queue_id: pool for pool in pools})
        self.engine.observer.found("strangers", len(found))
        return found

    async def _page(self, page: Sequence[RequestState], pools: Mapping[str, Pool]) -> list[RunKey]:
        unknown = [(key, state) for state in page if (key := key_of(state)) and not await self._known(key, state)]
        statuses = await self.engine.queue.statuses({key.task_id for key, _ in unknown}) if unknown else {}
        found: list[RunKey] = []
        for key, state in unknown:
            status = statuses.get(key.task_id)
            pool = pools.get(status.task_queue_id) if status else None
            if status is not None and pool is not None:
                with suppress(faults.Newer):
                    found += await self._adopt(key, state, status, pool)
            elif status is None:
                await self._orphan(key, state)
        return found

    async def _known(self, key: RunKey, state: RequestState) -> bool:
        """Whether a row cares for it. A settled one does not care for an open request: its run was given up as lost."""
        rows = (await self.engine.rows(key.task_id)).values()
        caring = [row for row in rows if state.complete or not isinstance(row.phase, Settled)]
        return any((held := request_of(row)) is not None and held.id == state.request_id for row in caring)

    async def _adopt(self, key: RunKey, state: RequestState, status: TaskStatus, pool: Pool) -> list[RunKey]:
        """Put the request under the run it was made for: the status then moves it on, or has it stopped."""
        seen = run_in(status, key.run_id)
        if seen is None or (state.complete and not _unreported(key, status)):
            return []
        if is_spent(state, status.runs[key.run_id :], pool.rules):
            return []
        at = self.engine.clock.now()
        run = rebuilt(key, pool.name, state, at)
        if await self.engine.runs.add(run, WHY):
            self.engine.observer.moved(None, run, WHY)
            return [key]
        if not state.complete and not _unresolved(key, status) and not _unreported(key, status):
            await self._stray(key, pool)
        return await self._heir(key, TaskSeen(at, status, pool.rules), pool) if _unreported(key, status) else []

    async def _stray(self, key: RunKey, pool: Pool) -> None:
        """End a request that its run has left behind, unless it came to its end since the page was read."""
        state = await pool.builds.find(key)
        if state is None or state.complete:
            return
        self.engine.observer.alarm("stray_request", key, f"request {state.request_id} outlived its run; cancelled")
        await pool.builds.cancel(key, "Taskcluster resolved the run")

    async def _heir(self, key: RunKey, seen: TaskSeen, pool: Pool) -> list[RunKey]:
        """The run's own row knows nothing of the request: the run that took it over looks for it, if it gets a row."""
        last = RunKey(key.task_id, RunId(len(seen.status.runs) - 1))
        return [last] if await self.engine.runs.add(newborn(last, pool.name, seen), WHY) else []

    async def _orphan(self, key: RunKey, state: RequestState) -> None:
        """Tell of an open request of a task that our Taskcluster does not know.

        It is left alone: a bridge of another Taskcluster may have made it.
        """
        if state.complete:
            return
        try:
            await self.engine.queue.status(TaskId(key.task_id))
        except faults.Missing:
            self.engine.observer.alarm("orphan_request", key, f"request {state.request_id} is of an unknown task")


def _unresolved(key: RunKey, status: TaskStatus) -> bool:
    seen = run_in(status, key.run_id)
    return seen is not None and seen.state in (RunState.PENDING, RunState.RUNNING)


def _unreported(key: RunKey, status: TaskStatus) -> bool:
    """Whether a request's result can still be news: its run, or one that took it over or may do so, is unresolved."""
    last = status.runs[-1]
    return last.state in (RunState.PENDING, RunState.RUNNING) and all(
        run.reason_resolved in ("intermittent-task", "claim-expired") for run in status.runs[key.run_id : -1]
    )
