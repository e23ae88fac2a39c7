"""One task as Taskcluster's queue keeps it: runs, claims, retries, the deadline. Time is passed in."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bridge.core.run import Worker
from bridge.core.status import RunState, RunStatus, TaskStatus
from bridge.core.verdict import Resolution
from tests.unit.core.samples import EXPIRES, TASK, run_status

CLAIM = timedelta(minutes=20)
RESOLVER = timedelta(seconds=60)
POLL = timedelta(seconds=5)
OPEN = (RunState.PENDING, RunState.RUNNING)
RETRYING = {Resolution.INTERMITTENT_TASK: "task-retry", Resolution.WORKER_SHUTDOWN: "retry"}


class RefusedError(Exception):
    """409."""


@dataclass
class QueueTask:
    """The automaton; each call raises `RefusedError` where the queue answers 409."""

    deadline: datetime
    retries_left: int
    runs: list[RunStatus] = field(default_factory=lambda: [run_status()])

    def status(self) -> TaskStatus:
        state = self.runs[-1].state.value
        return TaskStatus(
            TASK, "pool/linux", "s", "none", "g", "low", self.deadline, EXPIRES, self.retries_left, state, tuple(self.runs)
        )

    def claim(self, number: int, worker: Worker, now: datetime) -> datetime:
        run = self._last(number)
        if run.state is RunState.RUNNING and run.worker == worker:
            assert run.taken_until is not None
            return run.taken_until
        if run.state is not RunState.PENDING or now >= self.deadline:
            raise RefusedError
        self.runs[-1] = replace(run, state=RunState.RUNNING, worker=worker, taken_until=now + CLAIM)
        return now + CLAIM

    def reclaim(self, number: int, now: datetime) -> datetime:
        run = self._last(number)
        if run.state is not RunState.RUNNING or now >= self.deadline:
            raise RefusedError
        self.runs[-1] = replace(run, taken_until=now + CLAIM)
        return now + CLAIM

    def report(self, number: int, resolution: Resolution | None, now: datetime) -> None:
        """None is malformed-payload. The same report again is fine as long as the run is the last one."""
        reason = resolution.value if resolution else "malformed-payload"
        if self.runs[number].reason_resolved == reason and number == len(self.runs) - 1:
            return
        if self._last(number).state is not RunState.RUNNING:
            raise RefusedError
        self._resolve(reason, now)
        if resolution in RETRYING:
            self._retry(RETRYING[resolution])

    def cancel(self, now: datetime) -> None:
        if self.runs[-1].state in OPEN:
            if now >= self.deadline:
                raise RefusedError
            self._resolve("canceled", now)

    def rerun(self, now: datetime) -> None:
        if self.runs[-1].state in OPEN or now >= self.deadline:
            raise RefusedError
        self.runs.append(run_status(why="rerun"))
        self.retries_left = 1

    def tick(self, now: datetime) -> None:
        """What the queue's resolvers do by `now`."""
        run = self.runs[-1]
        if run.state in OPEN and now >= self.deadline + RESOLVER:
            self._resolve("deadline-exceeded", now)
        elif run.state is RunState.RUNNING and run.taken_until is not None and now >= run.taken_until + POLL:
            self._resolve("claim-expired", now)
            self._retry("retry")

    def _last(self, number: int) -> RunStatus:
        if number != len(self.runs) - 1:
            raise RefusedError
        return self.runs[-1]

    def _resolve(self, reason: str, now: datetime) -> None:
        state = RunState(reason) if reason in ("completed", "failed") else RunState.EXCEPTION
        self.runs[-1] = replace(self.runs[-1], state=state, reason_resolved=reason, resolved=now)

    def _retry(self, why: str) -> None:
        if self.retries_left > 0:
            self.retries_left -= 1
            self.runs.append(run_status(why=why))
