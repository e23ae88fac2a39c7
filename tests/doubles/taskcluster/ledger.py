"""The queue's books, and the few moves that every rule is made of.

A rule never touches a row behind the ledger's back: it adds a run, resolves one, files a pending or a claim row,
publishes. Time comes in as an argument; nothing here asks a clock or opens a socket.
"""

import heapq
import itertools
from collections import defaultdict, deque
from dataclasses import dataclass, field

from tests.doubles.taskcluster import errors
from tests.doubles.taskcluster.identifiers import new_incident
from tests.doubles.taskcluster.index import Index
from tests.doubles.taskcluster.instants import SECOND, to_milliseconds
from tests.doubles.taskcluster.model import RESOLVED, ClaimRow, Message, PendingRow, Run, Task, TaskGroup, Transition, Worker


@dataclass(slots=True)
class Periods:
    """The periods of Taskcluster 106, in microseconds; all may be shortened for tests, also while the queue runs."""

    claim: int = 1200 * SECOND
    deadline_delay: int = 60 * SECOND  # from a task's deadline to its resolution
    poll: int = 5 * SECOND  # of the claim, deadline and dependency resolvers
    publish: int = 30 * SECOND  # how long one publish is tried while the broker is away
    claim_work: int = 20 * SECOND  # how long claimWork waits for work
    claim_work_poll: int = SECOND


@dataclass(slots=True)
class Ledger:
    """All state of one queue, its outbox of Pulse messages included."""

    periods: Periods = field(default_factory=Periods)
    tasks: dict[str, Task] = field(default_factory=dict)
    groups: dict[str, TaskGroup] = field(default_factory=dict)
    pending: dict[str, dict[tuple[str, int], PendingRow]] = field(default_factory=lambda: defaultdict(dict))
    claims: dict[str, dict[tuple[str, int], list[ClaimRow]]] = field(default_factory=lambda: defaultdict(dict))
    dependents: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    unmet: dict[str, set[str]] = field(default_factory=dict)  # what an unscheduled task still waits for
    resolutions: deque[tuple[str, str]] = field(default_factory=deque)  # (taskId, state), for the dependency resolver
    expiries: list[tuple[int, int, str, ClaimRow]] = field(default_factory=list)  # heap by taken_until
    deadlines: list[tuple[int, int, str]] = field(default_factory=list)  # heap by deadline
    workers: dict[tuple[str, str, str], Worker] = field(default_factory=dict)
    quarantined: set[tuple[str, str]] = field(default_factory=set)  # (group, id) in every queue, by a test's switch
    index: Index = field(default_factory=Index)  # another service's books: what it made of the messages it heard
    outbox: list[Message] = field(default_factory=list)
    held: list[Message] = field(default_factory=list)  # of resolvers, which try again until the broker is back
    broker_up: bool = True
    losses: dict[str, int] = field(default_factory=dict)  # exchange, or "*": its messages are lost until then
    lost: int = 0
    history: list[Transition] = field(default_factory=list)
    late: int = 0  # how long the call at hand was kept waiting by the broker
    _serial: "itertools.count[int]" = field(default_factory=itertools.count)

    # --- tasks and runs

    def task(self, task_id: str, question: str = "Are you sure it was created?") -> Task:
        """Find a task, or refuse with 404."""
        task = self.tasks.get(task_id)
        if task is None:
            raise errors.not_found(f"Task `{task_id}` not found. {question}")
        return task

    def run(self, task: Task, run_id: int) -> Run:
        """Find a run, or refuse with 404."""
        if run_id >= len(task.runs):
            raise errors.not_found(f"Run {run_id} not found on task `{task.task_id}`.")
        return task.runs[run_id]

    def add_run(self, task: Task, reason: str, now: int) -> Run:
        run = Run(len(task.runs), "pending", reason, to_milliseconds(now))
        task.runs.append(run)
        self.unmet.pop(task.task_id, None)
        self._changed(task, run, now)
        return run

    def add_resolved_run(self, task: Task, reason: str, now: int) -> Run:
        """Add a run that exists only to say how an unscheduled task ended."""
        moment = to_milliseconds(now)
        run = Run(len(task.runs), "exception", "exception", moment, reason_resolved=reason, resolved=moment)
        task.runs.append(run)
        self.unmet.pop(task.task_id, None)
        self._changed(task, run, now)
        return run

    def take_run(self, task: Task, run: Run, group: str, worker_id: str, until: int, now: int) -> None:
        run.state = "running"
        run.worker_group, run.worker_id = group, worker_id
        run.taken_until, run.started = until, to_milliseconds(now)
        self._changed(task, run, now)

    def resolve_run(self, task: Task, run: Run, state: str, reason: str, now: int) -> None:
        run.state = state
        run.reason_resolved = reason
        run.resolved = to_milliseconds(now)
        self.drop_pending(task, run.run_id)
        self._changed(task, run, now)

    def _changed(self, task: Task, run: Run, now: int) -> None:
        """Note a transition, and whether the task still counts among what its group has to do."""
        reason = run.reason_resolved or (run.reason_created if run.state == "pending" else None)
        self.history.append(Transition(now, task.task_id, run.run_id, run.state, reason, run.worker_group, run.worker_id))
        active = self.groups[task.group_id].active
        if task.state in RESOLVED:
            active.discard(task.task_id)
        else:
            active.add(task.task_id)

    # --- rows of the lists

    def file_pending(self, task: Task, run: Run, now: int) -> None:
        """Put a run into listPendingTasks; a repeated call leaves the row where it stands."""
        key = (task.task_id, run.run_id)
        self.pending[task.queue_id].setdefault(key, PendingRow(*key, now))

    def drop_pending(self, task: Task, run_id: int) -> None:
        self.pending[task.queue_id].pop((task.task_id, run_id), None)

    def file_claim(self, queue_id: str, row: ClaimRow) -> None:
        """Note an attempt to claim or reclaim; the claim resolver looks at it when its time is up."""
        self.claims[queue_id].setdefault((row.task_id, row.run_id), []).append(row)
        heapq.heappush(self.expiries, (row.taken_until, next(self._serial), queue_id, row))

    def drop_claims(self, task: Task, run_id: int) -> None:
        self.claims[task.queue_id].pop((task.task_id, run_id), None)

    def watch_deadline(self, task: Task) -> None:
        heapq.heappush(self.deadlines, (task.deadline, next(self._serial), task.task_id))

    def note_resolution(self, task: Task) -> None:
        """Tell the dependency resolver that a task is resolved, as far as the caller knows."""
        last = task.state if task.state in RESOLVED else "exception"
        self.resolutions.append((task.task_id, last))

    # --- workers

    def see_worker(self, queue_id: str, group: str, worker_id: str, now: int) -> Worker:
        key = (queue_id, group, worker_id)
        moment = to_milliseconds(now)
        worker = self.workers.setdefault(key, Worker(*key, first_claim=moment, last_active=moment))
        worker.last_active = moment
        return worker

    def is_quarantined(self, queue_id: str, group: str, worker_id: str, now: int) -> bool:
        if (group, worker_id) in self.quarantined:
            return True
        worker = self.workers.get((queue_id, group, worker_id))
        return worker is not None and worker.quarantine_until is not None and worker.quarantine_until > now

    # --- messages

    def publish(self, *messages: Message) -> None:
        """Publish for a call that answers 500 when the broker is away, with its effect in place."""
        self.publish_anyway(*messages)
        if not self.broker_up:
            raise errors.internal(new_incident())

    def publish_anyway(self, *messages: Message) -> None:
        """Publish for a call that answers late but 200 when the broker is away; the messages are lost for good."""
        for message in messages:
            if self.broker_up:
                self._send(message)
            else:
                self.lost += 1
                self.late += self.periods.publish

    def publish_as_resolver(self, *messages: Message) -> None:
        """Publish for a background process: it tries again until the broker is back."""
        for message in messages:
            if self.broker_up:
                self._send(message)
            else:
                self.held.append(message)

    def broker_returns(self) -> None:
        self.broker_up = True
        held, self.held = self.held, []
        self.publish_as_resolver(*held)

    def _send(self, message: Message) -> None:
        until = max(self.losses.get(message.exchange, 0), self.losses.get("*", 0))
        if message.at < until:
            self.lost += 1
        else:
            self.deliver(message)

    def deliver(self, message: Message) -> None:
        """Give a message to whoever listens: the broker, and the index service, which listens there as well."""
        self.outbox.append(message)
        if message.exchange == "task-completed" and message.task_id is not None:
            self.index.hear(message, self.tasks[message.task_id].definition)
