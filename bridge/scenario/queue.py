"""Taskcluster's side: a ledger of tasks that keeps the queue's rules. Times are given; refusals are faults of the core."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from bridge.core import faults
from bridge.core.order import Definition
from bridge.core.run import RunId, RunKey, TaskId, Worker
from bridge.core.status import RunState, RunStatus, TaskStatus
from bridge.core.verdict import Resolution

RESOLVED_AFTER: Final = timedelta(seconds=60)
"""From a task's deadline until the queue resolves it."""
_RETRIED: Final = {"claim-expired": "retry", "worker-shutdown": "retry", "intermittent-task": "task-retry"}
"""Reasons for which the queue makes a new run while retries are left, and the new run's `reasonCreated`."""
_OPEN: Final = (RunState.PENDING, RunState.RUNNING)
_STATES: Final = {"completed": RunState.COMPLETED, "failed": RunState.FAILED}


@dataclass(slots=True)
class Entry:
    """A task: what it was made with, and its runs."""

    task_id: TaskId
    queue: str
    definition: Definition
    deadline: datetime
    priority: str
    retries_left: int
    runs: list[RunStatus] = field(default_factory=list)

    @property
    def last(self) -> RunId:
        """The newest run."""
        return RunId(len(self.runs) - 1)

    @property
    def open(self) -> bool:
        """Whether the task is not resolved."""
        return self.runs[-1].state in _OPEN


@dataclass(frozen=True, slots=True)
class Message:
    """What Pulse tells of a run: that it is `pending`, or that it ended as an `exception`."""

    about: str
    key: RunKey


@dataclass(slots=True)
class Ledger:
    """All tasks by id. `messages`: what was published and not taken yet. `quarantined`: workers by name."""

    claim_lasts: timedelta
    entries: dict[TaskId, Entry] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    quarantined: set[str] = field(default_factory=set)

    def create(self, entry: Entry, at: datetime) -> None:
        """Take a new task, whose run 0 is pending."""
        self.entries[entry.task_id] = entry
        self._new_run(entry, "scheduled", at)

    def cancel(self, task_id: TaskId, at: datetime) -> TaskStatus:
        """Cancel the task: the cancelTask of whoever calls it."""
        entry = self._entry(task_id)
        if entry.open:
            self._end(entry, entry.last, RunState.EXCEPTION, "canceled", at)
        elif entry.runs[-1].reason_resolved != "canceled":
            raise faults.Conflicting(f"the task is {entry.runs[-1].reason_resolved}")
        return self.status(task_id)

    def rerun(self, task_id: TaskId, at: datetime) -> None:
        """Give a resolved task one more run, and its retries back."""
        entry = self._entry(task_id)
        if entry.open:
            raise faults.Conflicting("the task is not resolved")
        entry.retries_left = max(entry.retries_left, 5)
        self._new_run(entry, "rerun", at)

    def claim(self, key: RunKey, worker: Worker, at: datetime) -> datetime:
        """Claim a run; the worker that has it may ask again. The claim's end."""
        entry, seen = self._run(key)
        if worker.id in self.quarantined:
            raise faults.Unavailable("500: the worker is quarantined")
        if seen.state is RunState.RUNNING and seen.worker == worker and seen.taken_until is not None:
            return seen.taken_until
        if seen.state is not RunState.PENDING or at >= entry.deadline:
            raise faults.Conflicting(f"the run is {seen.state.value}")
        until = at + self.claim_lasts
        entry.runs[key.run_id] = replace(seen, state=RunState.RUNNING, worker=worker, taken_until=until)
        return until

    def reclaim(self, key: RunKey, at: datetime) -> datetime:
        """Renew a claim; its new end."""
        entry, seen = self._run(key)
        if seen.state is not RunState.RUNNING or at >= entry.deadline:
            raise faults.Conflicting(f"the run is {seen.state.value}")
        until = at + self.claim_lasts
        entry.runs[key.run_id] = replace(seen, taken_until=until)
        return until

    def resolve(self, key: RunKey, resolution: Resolution | None, at: datetime) -> TaskStatus:
        """Report how a run ended (None: malformed-payload); the same report may be made again."""
        entry, seen = self._run(key)
        word = resolution.value if resolution else "malformed-payload"
        if seen.state is RunState.RUNNING:
            self._end(entry, key.run_id, _STATES.get(word, RunState.EXCEPTION), word, at)
        elif seen.reason_resolved != word:
            raise faults.Conflicting(f"the run is {seen.reason_resolved or seen.state.value}")
        return self.status(key.task_id)

    def end(self, key: RunKey, word: str, at: datetime) -> None:
        """Have a run resolved by something that is not the bridge."""
        entry, seen = self._run(key)
        if seen.state not in _OPEN:
            raise faults.Conflicting(f"the run is {seen.reason_resolved} already")
        self._end(entry, key.run_id, _STATES.get(word, RunState.EXCEPTION), word, at)

    def expire(self, task_id: TaskId) -> None:
        """Forget the task."""
        del self.entries[task_id]

    def repeat(self, task_id: TaskId) -> None:
        """Publish all messages about the task's runs once more."""
        for number, run in enumerate(self._entry(task_id).runs):
            about = ["pending"] + (["exception"] if run.state is RunState.EXCEPTION else [])
            self.messages += [Message(each, RunKey(task_id, RunId(number))) for each in about]

    def status(self, task_id: TaskId) -> TaskStatus:
        """The task's status. Raises `Missing`."""
        entry = self._entry(task_id)
        return TaskStatus(
            task_id, entry.queue, "scenario", "none", task_id, entry.priority, entry.deadline,
            entry.deadline + timedelta(days=30), entry.retries_left, entry.runs[-1].state.value, tuple(entry.runs),
        )  # fmt: skip

    def definition(self, task_id: TaskId) -> Definition:
        """The task's definition. Raises `Missing`."""
        return self._entry(task_id).definition

    def pending(self) -> list[RunKey]:
        """The runs that wait to be claimed."""
        found = ((task_id, entry) for task_id, entry in self.entries.items())
        return [RunKey(task_id, entry.last) for task_id, entry in found if entry.runs[-1].state is RunState.PENDING]

    def next_at(self) -> datetime | None:
        """When something happens by itself next: a claim ends, or a deadline is acted on."""
        return min(self._timers(), key=lambda timer: timer[0])[0] if any(True for _ in self._timers()) else None

    def tick(self, now: datetime) -> list[tuple[RunKey, str]]:
        """Do what time has brought; which runs ended, and why."""
        ended: list[tuple[RunKey, str]] = []
        for when, key, word in sorted(self._timers(), key=lambda timer: timer[0]):
            entry = self.entries[key.task_id]
            if when <= now and entry.open and entry.last == key.run_id:
                self._end(entry, key.run_id, RunState.EXCEPTION, word, when)
                ended.append((key, word))
        return ended

    def _timers(self) -> Iterator[tuple[datetime, RunKey, str]]:
        for task_id, entry in self.entries.items():
            key, run = RunKey(task_id, entry.last), entry.runs[-1]
            if entry.open:
                yield entry.deadline + RESOLVED_AFTER, key, "deadline-exceeded"
            if run.state is RunState.RUNNING and run.taken_until is not None:
                yield run.taken_until, key, "claim-expired"

    def _entry(self, task_id: TaskId) -> Entry:
        if task_id not in self.entries:
            raise faults.Missing("Taskcluster does not know the task")
        return self.entries[task_id]

    def _run(self, key: RunKey) -> tuple[Entry, RunStatus]:
        entry = self._entry(key.task_id)
        if key.run_id > entry.last:
            raise faults.Missing(f"the task has no run {key.run_id}")
        return entry, entry.runs[key.run_id]

    def _new_run(self, entry: Entry, reason: str, at: datetime) -> None:
        entry.runs.append(RunStatus(RunState.PENDING, reason, at))
        self.messages.append(Message("pending", RunKey(entry.task_id, entry.last)))

    def _end(self, entry: Entry, run: RunId, state: RunState, word: str, at: datetime) -> None:
        entry.runs[run] = replace(entry.runs[run], state=state, reason_resolved=word, resolved=at)
        if state is RunState.EXCEPTION:
            self.messages.append(Message("exception", RunKey(entry.task_id, run)))
        if word in _RETRIED and entry.retries_left > 0 and run == entry.last:
            entry.retries_left -= 1
            self._new_run(entry, _RETRIED[word], at)
