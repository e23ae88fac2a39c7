"""The desk where questions about runs are answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bridge.core.ledger import Entry, Found, Place, Selection, Step
from bridge.core.run import RunId, RunKey, TaskId
from bridge.status import answers, asked, judgement, searching, shaping, sought, summing, tokens, trace
from bridge.status.ports import Records, Served, Sides
from bridge.status.sides import Live
from bridge.stuck import Circumstances, findings

_ROUNDS: Final = 5
"""Looks at the rows for one page of what is stuck: most suspects are not, and a page shall not be empty for them."""
_BEGINNING: Final = 200
"""Bytes of an unreadable message that are shown."""
_MOST_STEPS: Final = 500


class UnknownError(LookupError):
    """What was named is not there; the text says so, and why that can be."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Answers questions. `now` is the database's time: all rows are judged by that one."""

    records: Records
    sides: Sides
    now: Callable[[], datetime]

    @property
    def _live(self) -> Live:
        return Live(self.sides)

    async def runs(self, which: asked.Runs) -> answers.RunList:
        """A page of runs."""
        seen = await self._seen()
        found = await self._page(which, seen, stuck=which.stuck)
        shown = [shaping.run(entry, seen) for entry in found.entries]
        return answers.RunList(runs=shown, newer=found.newer, continuation_token=tokens.of_place(found.more))

    async def stuck(self, which: asked.Paged) -> answers.Stuck:
        """A page of the runs that are stuck, with what to do."""
        seen = await self._seen()
        suspects = asked.Runs(stuck=True, limit=which.limit, continuation_token=which.continuation_token)
        found = await self._page(suspects, seen, stuck=True)
        stuck = [
            answers.StuckRun(run=shaping.run(entry, seen), findings=shaping.wrong(entry, seen)) for entry in found.entries
        ]
        return answers.Stuck(stuck=stuck, newer=found.newer, continuation_token=tokens.of_place(found.more))

    async def _seen(self) -> Circumstances:
        now = self.now()
        servers = await self.records.servers(now)
        return Circumstances(now, frozenset(pool for server in servers if server.alive for pool in server.pools))

    async def _page(self, which: asked.Runs, seen: Circumstances, *, stuck: bool) -> Found:
        selection = which.selection(seen.now, tuple(sorted(seen.served)))
        place = tokens.place(which.continuation_token)
        if not stuck:
            return await self.records.runs(selection, place, which.limit)
        return await self._stuck(selection, place, which.limit, seen)

    async def _stuck(self, which: Selection, place: Place | None, limit: int, seen: Circumstances) -> Found:
        """Of the suspects those that are stuck; some rounds, so that few pages are empty."""
        entries, newer = list[Entry](), 0
        for _ in range(_ROUNDS):
            found = await self.records.runs(which, place, limit - len(entries))
            entries += [entry for entry in found.entries if findings(entry, seen)]
            newer, place = newer + found.newer, found.more
            if place is None or len(entries) >= limit:
                break
        return Found(tuple(entries), place, newer)

    async def run(self, which: asked.OfRun) -> answers.RunWhole:
        """All that is known of a run; raises `UnknownError`."""
        key = RunKey(TaskId(which.task_id), RunId(which.run_id))
        seen, entries, steps = await self._of_task(key.task_id)
        entry = next((each for each in entries if each.run.key == key), None)
        if entry is None:
            raise _unknown(str(key))
        there, here = await asyncio.gather(self._live.taskcluster(key.task_id), self._live.buildbot(entry))
        return answers.RunWhole(
            run=shaping.run(entry, seen),
            row=shaping.row(entry),
            owes=shaping.owes(entry),
            stuck=shaping.wrong(entry, seen),
            transitions=shaping.transitions(steps, key.run_id),
            taskcluster=there,
            buildbot=here,
        )

    async def task(self, which: asked.OfTask) -> answers.Task:
        """The runs of a task; raises `UnknownError`."""
        task = TaskId(which.task_id)
        seen, entries, steps = await self._of_task(task)
        if not entries:
            raise _unknown(task)
        shown = [shaping.run(entry, seen) for entry in entries]
        view = await self._live.taskcluster(task)
        return answers.Task(task_id=task, runs=shown, transitions=shaping.transitions(steps), taskcluster=view)

    async def trace(self, which: asked.OfTask) -> answers.Trace:
        """All that happened to a task, on both sides; raises `UnknownError`."""
        task = TaskId(which.task_id)
        _, entries, steps = await self._of_task(task)
        if not entries:
            raise _unknown(task)
        there = await self._live.taskcluster(task)
        built = await asyncio.gather(*(self._live.happenings(entry) for entry in entries))
        errors = [each for each in (there.error, *(error for _, error in built)) if each is not None]
        of_builds = [each for happened, _ in built for each in happened]
        return answers.Trace(task_id=task, happenings=trace.together(there, steps, of_builds), errors=errors)

    async def _of_task(self, task: TaskId) -> tuple[Circumstances, Sequence[Entry], Sequence[Step]]:
        seen, entries, steps = await asyncio.gather(self._seen(), self.records.entries(task), self.records.history(task))
        return seen, entries, steps

    async def task_group(self, group: asked.OfGroup, page: asked.Paged) -> answers.TaskGroup:
        """A page of a task group's runs, and what their tasks depend on."""
        seen = await self._seen()
        place = tokens.place(page.continuation_token)
        found = await self.records.runs(Selection(task_group_id=group.task_group_id), place, page.limit)
        edges, error = await self._live.dependencies({entry.run.key.task_id for entry in found.entries})
        return answers.TaskGroup(
            task_group_id=group.task_group_id,
            page=f"{self.sides.root_url.rstrip('/')}/tasks/groups/{group.task_group_id}",
            runs=[shaping.run(entry, seen) for entry in found.entries],
            edges=edges,
            edges_error=error,
            newer=found.newer,
            continuation_token=tokens.of_place(found.more),
        )

    async def counts(self) -> answers.Counts:
        """How many runs are where."""
        return summing.counts(await self.records.counts(), await self.records.held())

    async def pools(self) -> answers.Pools:
        """What each pool admits, who serves it, how many runs it has."""
        served: Mapping[str, Served] = self.sides.pools
        return summing.pools(served, await self.records.counts(), await self.records.servers(self.now()))

    async def health(self) -> answers.Health:
        """Whether the bridge is healthy."""
        now = self.now()
        servers, runs, stuck = await asyncio.gather(
            self.records.servers(now), self.records.counts(), self.stuck(asked.Paged())
        )
        oldest, sweeps, letters = await asyncio.gather(
            self.records.oldest(), self.records.sweeps(), self.records.letters(None, 1, 1)
        )
        causes = [finding.cause for each in stuck.stuck for finding in each.findings[:1]]
        more = stuck.continuation_token is not None
        return judgement.judged(judgement.Signs(servers, runs, oldest, sweeps, letters, causes, more), now)

    async def search(self, which: asked.Search) -> answers.Hits:
        """The runs that were meant."""
        what, seen = sought.sought(which.q), await self._seen()
        return shaping.hits(what.words, await searching.search(self.records, self._live, what), seen)

    async def services(self) -> answers.Services:
        """Who serves."""
        return summing.services(await self.records.servers(self.now()))

    async def margins(self) -> answers.Margins:
        """How late the bridge is."""
        return summing.margins(await self.records.oldest())

    async def dead_letters(self, page: asked.Paged) -> answers.DeadLetters:
        """Messages that could not be read."""
        before = tokens.number(page.continuation_token)
        return summing.letters(await self.records.letters(before, page.limit, _BEGINNING), page.limit)

    async def sweeps(self) -> answers.Sweeps:
        """What the sweeps came to."""
        return summing.sweeps(await self.records.sweeps(), await self.records.servers(self.now()))

    async def orders(self) -> answers.Orders:
        """What operators hold back, and what they did."""
        return summing.orders(await self.records.orders(), await self.records.acts())

    async def history(self, which: asked.History) -> answers.History:
        """What was."""
        step = max(which.step, -(-which.hours * 3600 // _MOST_STEPS))
        stamp = (self.now() - timedelta(hours=which.hours)).timestamp() // step * step
        since = datetime.fromtimestamp(stamp, self.now().tzinfo)
        past = await self.records.past(since, step)
        reach = await self.records.reach(since) or since
        steps = [summing.step(each) for each in past]
        return answers.History(since=since, complete_since=reach, step=step, steps=steps)


def _unknown(name: str) -> UnknownError:
    return UnknownError(
        f"the bridge has no row for {name}: the task is not of a task queue that is served here, or it was settled so long "
        "ago that its row is gone"
    )
