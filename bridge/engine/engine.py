"""`hear` takes facts in, `settle` pays what is owed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bridge.core import faults
from bridge.core.chain import heard
from bridge.core.commands import Command, ReclaimRun, RequestBuild
from bridge.core.debts import owed
from bridge.core.events import Deferred, Event, HeldBack, TaskMissing, TaskSeen
from bridge.core.run import Run, RunId, RunKey, Settled, Stopping, TaskId, Wanted
from bridge.core.status import RunState, run_in
from bridge.engine import performers
from bridge.engine.backoff import Backoff
from bridge.engine.causes import causes
from bridge.engine.holding import Hold, Leased
from bridge.engine.memory import Memory
from bridge.engine.observer import Observer
from bridge.engine.pool import Pool
from bridge.engine.ports import Admit, Clock, Queue, Runs, Steering
from bridge.engine.tracing import Tracing, Untraced
from bridge.engine.unsteered import Unsteered
from bridge.engine.words import because

_STEPS = 24  # a run that owes more in one go is given back, so that no fault of ours can make a tight loop


@dataclass(slots=True)
class _Change:
    """What one transaction found and left; filled again if the store has to repeat it."""

    before: Mapping[RunId, Run] = field(default_factory=dict)
    changed: Mapping[RunId, Run] = field(default_factory=dict)

    @property
    def after(self) -> Mapping[RunId, Run]:
        return {**self.before, **self.changed}


@dataclass(frozen=True, slots=True)
class Engine:
    """One process's hands. `me` is its name in leases; `admit` judges definitions; `pools` are by name."""

    me: str
    runs: Runs
    queue: Queue
    pools: Mapping[str, Pool]
    admit: Admit
    clock: Clock
    backoff: Backoff
    observer: Observer
    memory: Memory = field(default_factory=Memory)
    steering: Steering = field(default_factory=Unsteered)
    tracing: Tracing = field(default_factory=Untraced)

    async def hear(self, key: RunKey, *events: Event, holder: str | None = None) -> Mapping[RunId, Run]:
        """Let facts about a run change the rows of its task, in one transaction; all rows of the task as they are then."""
        change = _Change()

        def decide(rows: Mapping[RunId, Run]) -> Mapping[RunId, Run]:
            change.before, change.changed = rows, _decided(rows, key.run_id, events)
            return change.changed

        with self.tracing.span(key, f"hear {type(events[-1]).__name__}"):
            await self.runs.change(
                key.task_id, decide, because=because(events[-1], key.run_id), holder=holder, cause=causes(events)
            )
            self._tell(change, events[-1])
        return change.after

    async def settle(self, key: RunKey, leased: Leased | None = None) -> list[RunKey]:
        """Do what the run owes now, and what it owes by then, until nothing is due. Returns heirs that owe something.

        Without `leased` the row is leased here; a row that another process has, or holds the credentials of, is left alone.
        """
        asked_at = self.clock.now()
        run = leased.run if leased else await self.runs.lease(key, self.me)
        if run is None:
            return []
        try:
            async with Hold(self.runs, self.clock, self.me, key, leased.asked_at if leased else asked_at) as hold:
                heirs = await self._pay_all(run, hold)
        finally:
            await self.runs.release([key], self.me)
        return [heir.key for heir in heirs if owed(heir, self.clock.now()) is not None]

    async def _pay_all(self, run: Run, hold: Hold) -> list[Run]:
        """Pay until nothing is owed, or the lease is not to be trusted any more; the later runs of the task."""
        heirs = dict[RunId, Run]()
        for _ in range(_STEPS):
            command = owed(run, self.clock.now()) if hold.trusted else None
            if command is None:
                break
            rows = await self._paid(run, command)
            heirs.update({number: row for number, row in rows.items() if number > run.key.run_id})
            if run.key.run_id not in rows:
                break  # the row is lost, and what it owed with it
            run = rows[run.key.run_id]
        return list(heirs.values())

    async def attend(self, key: RunKey, leased: Leased | None = None) -> list[RunKey]:
        """Settle, where the database may be away: then the row goes on owing, and whoever finds it due pays."""
        try:
            return await self.settle(key, leased)
        except faults.Newer:
            return []
        except faults.Unavailable as away:
            self.observer.away("database", away)
        except Exception as defect:  # noqa: BLE001  a poison row: its lease keeps it quiet for a while, others go on
            self.observer.poison(key, defect)
        return []

    async def heard(self, key: RunKey, *events: Event) -> Mapping[RunId, Run]:
        """Hear, where one run's defect must not end the work on the others: then no rows."""
        try:
            return await self.hear(key, *events)
        except faults.Unavailable:
            raise
        except faults.Newer:
            return {}
        except Exception as defect:  # noqa: BLE001  the sweep's border around one run
            self.observer.poison(key, defect)
            return {}

    async def _paid(self, run: Run, command: Command) -> Mapping[RunId, Run]:
        """Perform the command and hear its answer: the border around one run."""
        name = type(command).__name__
        try:
            with self.tracing.span(run.key, name):
                return await performers.perform(self, run, command)
        except faults.Newer:
            raise
        except faults.Fault as fault:
            self.observer.fault(run, name, fault)
            return await self.hear(run.key, self._after_fault(run, command, fault))
        except Exception as defect:  # noqa: BLE001  one run's defect must not end the service, nor delay the others
            self.observer.defect(run, name, defect)
            return await self.hear(run.key, self._put_off(run, command, str(defect) or name, None))

    def _after_fault(self, run: Run, command: Command, fault: faults.Fault) -> Event:
        at = self.clock.now()
        match fault:
            case faults.Missing() if not isinstance(command, ReclaimRun):
                return TaskMissing(at, self.backoff.until(at, 4))
            case faults.Unavailable(retry_after=wait) | faults.Full(retry_after=wait):
                return self._put_off(run, command, str(fault), wait)
            case faults.NotAllowed():
                self.observer.alarm("not_allowed", run.key, str(fault))
                return self._put_off(run, command, str(fault), None)
            case _:
                self.observer.alarm("unexpected_refusal", run.key, f"{type(command).__name__}: {fault}")
                return self._put_off(run, command, str(fault), None)

    def _put_off(self, run: Run, command: Command, why: str, retry_after: float | None) -> Event:
        at = self.clock.now()
        until = self.backoff.until(at, run.attempts, retry_after)
        if isinstance(command, RequestBuild) and isinstance(run.phase, Wanted):
            return HeldBack(at, until, why)  # not known: the submit may have been sent, and then the row says so
        return Deferred(at, until, command)

    def pool_of(self, run: Run) -> Pool:
        """The pool of a run; a run of a pool that this process does not serve is never leased by it."""
        return self.pools[run.pool]

    async def rows(self, task_id: TaskId) -> Mapping[RunId, Run]:
        """All rows of a task as they are now."""
        return await self.runs.of_task(task_id)

    def _tell(self, change: _Change, event: Event) -> None:
        for number, run in change.changed.items():
            before = change.before.get(number)
            if before is None or type(before.phase) is not type(run.phase):
                self.observer.moved(before, run, because(event, number))
                self.tracing.moved(before, run, because(event, number))
                self._tell_of_strangers(run, event)
            if isinstance(run.phase, Settled):
                self.queue.forget(run.key)
                self.memory.forget(run.key)

    def _tell_of_strangers(self, run: Run, event: Event) -> None:
        """Somebody else works on our task queue: either a mistake in their configuration, or one in ours."""
        seen = run_in(event.status, run.key.run_id) if isinstance(event, TaskSeen) else None
        worker = seen.worker if seen is not None and seen.state is RunState.RUNNING else None
        if worker is not None and isinstance(run.phase, Stopping | Settled) and worker.group != self._group_of(run):
            self.observer.alarm("foreign_claim", run.key, f"claimed by {worker.group}/{worker.id}, no worker of this bridge")

    def _group_of(self, run: Run) -> str:
        return self.pool_of(run).rules.worker_group


def _decided(rows: Mapping[RunId, Run], run_id: RunId, events: tuple[Event, ...]) -> Mapping[RunId, Run]:
    after = dict(rows)
    for event in events:
        after.update(heard(after, run_id, event))
    return {number: run for number, run in after.items() if rows.get(number) != run}
