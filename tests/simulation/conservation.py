"""What is owed at a moment, by the ledgers alone, and for how long it may be owed once all is healed."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.doubles.taskcluster.ledger import Ledger
from tests.doubles.taskcluster.model import Run, Task
from tests.history.evidence import OPEN
from tests.simulation.buildbot import Master, Request
from tests.simulation.store import Table
from tests.simulation.watch import URGENCY, Watch

# Seconds. The slowest repair is a sweep of a minute, that finds a row put off by half a minute, whose lease of half a
# minute a dead process has, or whose credentials somebody is taken to hold for another quarter.
BOUND = 150.0
LOST = 840.0  # a request counts as lost after three reads over ten minutes, a minute apart
_DEADLINE_SEEN = 80.0  # after a deadline the queue's own resolver has the last word

Debt = tuple[str, str]
"""The letter of a bound, and what is owed."""


def _name(task: Task) -> str:
    return f"{task.task_id}/{task.runs[-1].run_id}"


@dataclass(slots=True)
class Conservation:
    """Looks again and again; `since` is when each debt was first seen."""

    ledger: Ledger
    master: Master
    table: Table
    watch: Watch
    since: dict[Debt, float] = field(default_factory=dict)
    rows_lost: bool = False
    _late: set[Debt] = field(default_factory=set)

    def look(self, now: float, instant: int, healed: float) -> bool:
        """Note what is late; whether everything is at rest."""
        owed = list(self._owed(instant))
        if not owed:
            self.since.clear()
            return self._resting()
        self.since = {debt: self.since.get(debt, now) for debt in owed}
        bound = LOST if self.watch.erased else BOUND
        for debt, first in self.since.items():
            if now - max(first, healed) > bound and debt not in self._late:
                self._late.add(debt)
                self.watch.blame(f"{debt[0]}: {debt[1]} for {now - max(first, healed):.0f} s after all was healed")
        return False

    def _resting(self) -> bool:
        if any(task.state in OPEN for task in self.ledger.tasks.values()):
            return False
        return all(request.complete for request in self.master.requests.values() if not request.rebuilt)

    def _owed(self, instant: int) -> Iterator[Debt]:
        for task in self.ledger.tasks.values():
            if task.runs and task.state in OPEN:
                yield from self._of_task(task, instant)
        for request in self.master.ours():
            if not request.complete and not self._wanted(request):
                yield "L3", f"request {request.id} of {request.key} is open and nobody's"
        for row in self.table.rows():
            if row.due is not None and self.ledger.tasks[row.run.key.task_id].state not in OPEN:
                yield "L6", f"the row of {row.run.key} is not settled"

    def _of_task(self, task: Task, instant: int) -> Iterator[Debt]:
        run = task.runs[-1]
        if instant > task.deadline and instant < task.deadline + _DEADLINE_SEEN * 1_000_000:
            return
        if run.state == "running" and run.worker_group != self.watch.group:
            return
        request = self.watch.request_for(task, run.run_id)
        if request is None or self.watch.was_asked_to_end(request) or self._spent(request, task):
            if not self._full(task) and not self._forgotten(run, instant):
                yield "L1", f"{_name(task)} has no request"
        elif request.complete:
            yield "L2", f"{_name(task)} has the complete request {request.id} and is {run.state}"
        elif run.state == "pending" and not request.claimed and request.priority != URGENCY[task.priority]:
            yield "L1", f"{_name(task)} is {task.priority} and its request waits with priority {request.priority}"
        elif request.running is not None and run.state == "pending":
            yield "L4", f"{_name(task)} is not claimed and its build runs"

    def _spent(self, request: Request, task: Task) -> bool:
        """Whether somebody else's claim has ended the request, which is over: no run has to take it over."""
        made_for = int(request.key.partition("/")[2])
        return request.complete and self.watch.others_claimed(task, made_for, len(task.runs) - 1)

    def _forgotten(self, run: Run, instant: int) -> bool:
        """Whether the bridge claimed the run to refuse it, and its row was lost: nothing but the claim's end shows it then."""
        return run.worker_id == self.watch.own and self.rows_lost and instant < (run.taken_until or 0) + 10_000_000

    def _full(self, task: Task) -> bool:
        """Whether the plugin refuses another request for the task's builder."""
        payload = task.definition["payload"]
        builder = payload.get("buildername") if isinstance(payload, dict) else None
        return builder in self.master.builders and self.master.pending(builder) >= self.master.cap

    def _wanted(self, request: Request) -> bool:
        """Whether an unresolved run holds the request, or may adopt it."""
        task_id, _, number = request.key.partition("/")
        task = self.ledger.tasks.get(task_id)
        if task is None or int(number) >= len(task.runs):
            return False
        run = self.watch.holder(task, int(number))
        return run.state in OPEN and (run.state == "pending" or run.worker_group == self.watch.group)
