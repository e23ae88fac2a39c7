"""The sweeps: bulk reads of both sides that repair whatever no message told of."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from bridge.core import timing
from bridge.core.chain import reconcile
from bridge.core.events import Hinted, RequestMissing, RequestSeen, TaskSeen
from bridge.core.lifecycle import advance
from bridge.core.request import RequestState
from bridge.core.run import (
    Building,
    Queued,
    RequestId,
    Run,
    RunId,
    RunKey,
    Settled,
    Stopping,
    TaskId,
    Wanted,
    request_of,
)
from bridge.engine.engine import Engine
from bridge.engine.looking import MISSING_AGAIN
from bridge.engine.pool import Pool

_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Sweeps:
    """Each sweep returns the runs that owe something after it, for a crew to settle."""

    engine: Engine

    async def pending(self, pool: Pool) -> list[RunKey]:
        """Find pending runs that no message told of, and give each a row."""
        found: list[RunKey] = []
        async for page in self.engine.queue.pending(pool.task_queue_id):
            found += await self.wanted([row.key for row in page], pool)
        self.engine.observer.found("pending", len(found))
        return found

    async def wanted(self, keys: Sequence[RunKey], pool: Pool) -> list[RunKey]:
        """Give each run a row, unless it has one; the keys of those that are new."""
        now = self.engine.clock.now()
        runs = [Run(key, pool.name, Wanted(), now + timing.LOOK_SELDOM, now) for key in keys]
        new = await self.engine.runs.insert(runs)
        for run in (run for run in runs if run.key in set(new)):
            self.engine.observer.moved(None, run, "the run is pending in Taskcluster")
        return new

    async def statuses(self) -> list[RunKey]:
        """Read the status of every unsettled run: lost cancels, deadlines, expired claims, reruns, priorities."""
        moved: list[RunKey] = []
        async for page in self.engine.runs.unsettled(page=_BATCH):
            moved += await self._statuses_of([run for run in page if run.pool in self.engine.pools])
        self.engine.observer.found("statuses", len(moved))
        return moved

    async def _statuses_of(self, page: Sequence[Run]) -> list[RunKey]:
        at = self.engine.clock.now()
        tasks = {task: {run.key.run_id: run for run in runs} for task, runs in groupby(page, lambda run: run.key.task_id)}
        statuses = await self.engine.queue.statuses(list(tasks))
        moved: list[RunKey] = []
        for task, rows in tasks.items():
            if task in statuses:
                rules = self.engine.pools[next(iter(rows.values())).pool].rules
                moved += await self._task_seen(task, rows, TaskSeen(at, statuses[task], rules))
            else:
                moved += await self._hinted(rows.values())  # absence proves nothing: a look asks for this very task
        return moved

    async def _task_seen(self, task: TaskId, rows: Mapping[RunId, Run], event: TaskSeen) -> list[RunKey]:
        changed = reconcile(rows, event)
        if not changed:
            return []
        after = await self.engine.heard(RunKey(task, next(iter(changed))), event)
        return [run.key for run in after.values() if not isinstance(run.phase, Settled)]

    async def _hinted(self, runs: Iterable[Run]) -> list[RunKey]:
        keys = [run.key for run in runs if not isinstance(run.phase, Settled | Stopping)]
        for key in keys:
            await self.engine.heard(key, Hinted(self.engine.clock.now()))
        return keys

    async def hinted(self, keys: Iterable[RunKey]) -> list[RunKey]:
        """Have these runs looked at now, those that have a row; a message said that something changed."""
        moved: list[RunKey] = []
        for key in keys:
            rows = await self.engine.heard(key, Hinted(self.engine.clock.now()))
            if key.run_id in rows and not isinstance(rows[key.run_id].phase, Settled):
                moved.append(key)
        return moved

    async def states(self, pools: Collection[Pool]) -> list[RunKey]:
        """Read the state of every request that an unsettled run of these pools (of one Buildbot) holds."""
        moved: list[RunKey] = []
        names = {pool.name for pool in pools}
        async for page in self.engine.runs.unsettled(page=_BATCH):
            held = [run for run in page if run.pool in names and isinstance(run.phase, Queued | Building | Stopping)]
            moved += await self.states_of(held, pools)
        self.engine.observer.found("states", len(moved))
        return moved

    async def states_of(self, runs: Sequence[Run], pools: Collection[Pool]) -> list[RunKey]:
        """Read the states of these runs' requests; the runs that moved."""
        holders = _holders(runs)
        if not holders or not pools:
            return []
        at = self.engine.clock.now()
        answer = await next(iter(pools)).builds.states(list(holders))
        moved: list[RunKey] = []
        for state in answer.states:
            for run in holders[RequestId(state.request_id)]:
                moved += await self._request_seen(run, RequestSeen(at, state, self.engine.pool_of(run).rules))
        for number in answer.missing:
            for run in holders[RequestId(number)]:
                missing = RequestMissing(at, at + MISSING_AGAIN, self.engine.pool_of(run).rules)
                await self.engine.heard(run.key, missing)
        return moved

    async def _request_seen(self, run: Run, event: RequestSeen) -> list[RunKey]:
        moved = advance(run, event)
        if moved is run or moved == run:
            return []
        after = await self.engine.heard(run.key, event)
        return [run.key] if run.key.run_id in after else []

    async def changed(self, requests: Collection[RequestId], pools: Collection[Pool]) -> list[RunKey]:
        """Hear of requests that Buildbot says have changed, whether or not their rows know them yet."""
        names = [pool.name for pool in pools]
        rows = await self.engine.runs.of_requests(requests, pools=names)
        moved = await self.states_of(rows, pools)
        unknown = set(requests) - {request.id for run in rows if (request := request_of(run)) is not None}
        return moved + (await self._unstored(sorted(unknown), pools) if unknown else [])

    async def _unstored(self, requests: Sequence[RequestId], pools: Collection[Pool]) -> list[RunKey]:
        """The build was faster than the answer to its submit: the row is found by the key that the request carries."""
        answer = await next(iter(pools)).builds.states(requests)
        at = self.engine.clock.now()
        moved: list[RunKey] = []
        for state in answer.states:
            key = key_of(state)
            rows = await self.engine.rows(key.task_id) if key else {}
            row = rows.get(key.run_id) if key else None
            if row is not None and isinstance(row.phase, Wanted) and row.pool in self.engine.pools:
                moved += await self._request_seen(row, RequestSeen(at, state, self.engine.pool_of(row).rules))
        return moved


def _holders(runs: Iterable[Run]) -> Mapping[RequestId, list[Run]]:
    """Runs by their requests: after a rollback of Buildbot's database a number is given once more, and two rows name it."""
    holders = defaultdict[RequestId, list[Run]](list)
    for run in runs:
        if (request := request_of(run)) is not None:
            holders[request.id].append(run)
    return holders


# Taskcluster's slugs; a request under any other name can be no task's, and the queue refuses to be asked about it.
_KEY = re.compile(r"([A-Za-z0-9_-]{8}[Q-T][A-Za-z0-9_-][CGKOSWaeimquy26-][A-Za-z0-9_-]{10}[AQgw])/(0|[1-9][0-9]{0,2})")


def key_of(state: RequestState) -> RunKey | None:
    """The run whose key a request carries; None if it carries none that can be ours."""
    found = _KEY.fullmatch(state.external_id)
    return RunKey(TaskId(found[1]), RunId(int(found[2]))) if found else None
