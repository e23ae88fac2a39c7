"""The core between two automata: everything that can happen to the runs of one task, one step at a time.

`World` pays what the rows owe as the engine does, with a fault where one is asked for, and hears answers at once, late or
never. After each step it asserts what must hold in every state; `heal` lets everything work and asserts that all ends well.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from bridge.core import verdict
from bridge.core.chain import heard, newborn
from bridge.core.commands import (
    AttachLeftovers,
    CancelRequest,
    ClaimRun,
    Explain,
    Look,
    ReclaimRun,
    Report,
    Reprioritise,
    RequestBuild,
)
from bridge.core.debts import due_at, owed
from bridge.core.events import (
    Asking,
    Attached,
    CancelAsked,
    Claimed,
    Deferred,
    Doubted,
    Event,
    HeldBack,
    Hinted,
    Inadmissible,
    RequestMissing,
    RequestSeen,
    Submitted,
    TaskSeen,
)
from bridge.core.run import (
    Queued,
    Refused,
    Reporting,
    Request,
    RequestId,
    Run,
    RunId,
    RunKey,
    Settled,
    Stopping,
    Wanted,
    Worker,
    claim_of,
    request_of,
)
from bridge.core.status import RunState, is_last
from bridge.core.verdict import Resolution
from tests.unit.core.buildbot_automaton import Buildbot
from tests.unit.core.queue_automaton import OPEN, QueueTask, RefusedError
from tests.unit.core.samples import AT, RULES, TASK

Fault = Literal["none", "before", "after", "late", "crash"]
"""`before` fails without effect, `after` takes effect and loses the answer, `late` is answered some steps later, and after
`crash` nobody hears anything, though it took effect."""
BACKOFF = timedelta(seconds=5)
RETRIED = {"intermittent-task", "claim-expired"}


@dataclass
class World:
    queue: QueueTask = field(default_factory=lambda: QueueTask(AT + timedelta(hours=3), 2))
    buildbot: Buildbot = field(default_factory=Buildbot)
    rows: dict[RunId, Run] = field(default_factory=dict)
    now: datetime = AT
    admitted: bool = True
    amnesia: bool = False
    """True once rows were lost: then rows are allowed to be of two minds, the outside is not."""
    late: list[tuple[RunId, tuple[Event, ...]]] = field(default_factory=list)
    snapshots: list[dict[RunId, Run]] = field(default_factory=lambda: [{}])
    claimed_as: dict[RunId, Worker] = field(default_factory=dict)
    reported: set[str] = field(default_factory=set)
    """Requests, and builds that ended RETRY, whose end the queue was told of."""

    # What the bridge does

    def hear(self, number: int, *events: Event) -> None:
        after = dict(self.rows)
        for event in events:
            after.update(heard(after, RunId(number), event))
        for key, run in after.items():
            self._check_move(self.rows.get(key), run)
        self.rows = after
        self.snapshots.append(after)
        self._check_requests()

    def settle(self, number: int, failing: tuple[type, ...] = ()) -> None:
        """Pay until nothing is owed now; commands of the types `failing` fail before their effect."""
        for _ in range(24):
            command = owed(self.rows[RunId(number)], self.now)
            if command is None:
                return
            self.pay(number, "before" if isinstance(command, failing) else "none")
        raise AssertionError(f"a tight loop: {self.rows[RunId(number)]} owes {command}")

    def pay(self, number: int, fault: Fault = "none") -> None:
        run = self.rows.get(RunId(number))
        command = owed(run, self.now) if run else None
        if run is None or command is None:
            return
        match command:
            case Look():
                self._look(run, fault)
            case RequestBuild():
                self._request_build(run, fault)
            case ClaimRun(worker=worker):
                self._check_claim(run, worker)
                self._call(run, fault, lambda: self._claim(run, worker))
            case ReclaimRun():
                self._call(run, fault, lambda: Claimed(self.now, self.queue.reclaim(run.key.run_id, self.now)))
            case Report(verdict=verdict.Verdict(resolution=Resolution.CANCELED)):
                self._cancel_task(run, command, fault)
            case Report(verdict=written):
                self._check_report(run, command)
                self._call(run, fault, lambda: self._report(run, written.resolution))
            case Explain():
                self._call(run, fault, lambda: self._report(run, None))
            case CancelRequest():
                self._check_cancel(run, command)
                self._call(run, fault, lambda: self._cancel_request(command), Deferred(self.now, self._again()))
            case AttachLeftovers():
                self._call(run, fault, lambda: Attached(self.now), Deferred(self.now, self._again()))
            case Reprioritise():
                raise AssertionError("the task's priority never changes here")

    def _again(self) -> datetime:
        return self.now + BACKOFF

    def _call(
        self, run: Run, fault: Fault, effect: Callable[[], Event | Sequence[Event]], unknown: Event | None = None
    ) -> None:
        unknown = unknown or Doubted(self.now, self._again())
        number = run.key.run_id
        if fault == "before":
            self.hear(number, unknown)
            return
        try:
            answer = effect()
        except RefusedError:
            self.hear(number, Doubted(self.now, self._again()))
            return
        events = tuple(answer) if isinstance(answer, Sequence) else (answer,)
        match fault:
            case "after":
                self.hear(number, unknown)
            case "late":
                self.late.append((number, events))
            case "none":
                self.hear(number, *events)

    def task_seen(self) -> TaskSeen:
        return TaskSeen(self.now, self.queue.status(), RULES)

    def request_seen(self, request: Request) -> RequestSeen | RequestMissing:
        state = self.buildbot.state(request.id)
        if state is None:
            return RequestMissing(self.now, self.now + timedelta(minutes=1), RULES)
        return RequestSeen(self.now, state, RULES)

    def _look(self, run: Run, fault: Fault) -> None:
        self._call(run, fault, self.task_seen, Deferred(self.now, self._again()))
        run = self.rows[run.key.run_id]
        request = request_of(run)
        if fault != "before" and request is not None and not isinstance(run.phase, Settled):
            self._call(run, fault, lambda: self.request_seen(request), Hinted(self._again()))

    def _request_build(self, run: Run, fault: Fault) -> None:
        number, seen, asked = run.key.run_id, self.task_seen(), run.phase.asked
        if number >= len(self.queue.runs):
            self.hear(number, seen, HeldBack(self.now, self._again(), "not shown", asked=run.phase.asked))
            return
        pending = self.queue.runs[number].state is RunState.PENDING and self.now < self.queue.deadline
        if pending and not self.admitted:
            self.hear(number, seen, Inadmissible(self.now, "no such builder", RULES))
            return
        self.hear(number, seen, *([Asking(self.now, "builder")] if pending else []))
        run = self.rows[number]
        if not isinstance(run.phase, Wanted):
            return
        if not pending:
            self._search(run)
            return
        if self._held_by_older(number):
            self.hear(number, HeldBack(self.now, self._again(), "an older run holds a request", asked=asked))
            return
        self._call(run, fault, lambda: self._submit(number), HeldBack(self.now, self._again(), "no answer", asked=True))

    def _search(self, run: Run) -> None:
        number = run.key.run_id
        found, state = self.buildbot.requests.get(number), self.queue.runs[number].state
        if state is RunState.PENDING:
            self.hear(number, HeldBack(self.now, self._again(), "past its deadline", asked=run.phase.asked))
        elif found is not None:
            self.hear(number, RequestSeen(self.now, found, RULES), Hinted(self.now))
        elif state is RunState.RUNNING:
            self.hear(number, HeldBack(self.now, self._again(), "looked for", asked=True))
        else:
            self.hear(number, RequestMissing(self.now, self.now, RULES), Hinted(self.now))

    def _held_by_older(self, number: RunId) -> bool:
        return any(key < number and self._may_hold(row) for key, row in self.rows.items())

    @staticmethod
    def _may_hold(row: Run) -> bool:
        held = request_of(row) is not None and not isinstance(row.phase, Settled | Stopping)
        return held or (isinstance(row.phase, Wanted) and row.phase.asked)

    def _submit(self, number: RunId) -> Event:
        state = self.buildbot.submit(number)
        return Submitted(self.now, Request(RequestId(state.request_id), number), "builder", "low")

    def _claim(self, run: Run, worker: Worker) -> Event:
        at, number = self.now, run.key.run_id
        return Claimed(at, self.queue.claim(number, worker, at))

    def _report(self, run: Run, resolution: Resolution | None) -> Event:
        number = run.key.run_id
        unresolved = self.queue.runs[number].state in OPEN
        self.queue.report(number, resolution, self.now)
        if unresolved and isinstance(run.phase, Reporting):
            self._check_reported_once(run.phase)
        return self.task_seen()

    def _check_reported_once(self, phase: Reporting) -> None:
        what = f"build {phase.build}" if phase.verdict == verdict.RETRIED else f"request {phase.request.id}"
        assert what not in self.reported, f"the end of {what} was reported on two runs"
        self.reported.add(what)

    def _cancel_task(self, run: Run, command: Report, fault: Fault) -> None:
        number = run.key.run_id
        self._check_report(run, command)
        self.hear(number, self.task_seen())
        if not isinstance(self.rows[number].phase, Reporting):
            return
        if not is_last(self.queue.status(), number) or self.now >= self.queue.deadline:
            self.hear(number, Doubted(self.now, self._again()))
            return
        self._call(run, fault, self._cancel)

    def _cancel(self) -> Event:
        self.queue.cancel(self.now)
        return self.task_seen()

    def _cancel_request(self, command: CancelRequest) -> Sequence[Event]:
        state = self.buildbot.cancel(command.created_for)
        if state is None:
            return [RequestMissing(self.now, self.now + timedelta(minutes=1), RULES)]
        return [CancelAsked(self.now, self.now + timedelta(seconds=10)), RequestSeen(self.now, state, RULES)]

    # Sweeps

    def sweep_pending(self) -> None:
        number = RunId(len(self.queue.runs) - 1)
        if self.queue.runs[-1].state is RunState.PENDING and self.now < self.queue.deadline and number not in self.rows:
            self.rows = {**self.rows, number: newborn(RunKey(TASK, number), "linux", self.task_seen())}

    def sweep_statuses(self) -> None:
        if any(not isinstance(run.phase, Settled) for run in self.rows.values()):
            self.hear(0, self.task_seen())

    def sweep_states(self) -> None:
        for number, run in list(self.rows.items()):
            request = request_of(run)
            if request is not None and not isinstance(run.phase, Settled):
                self.hear(number, self.request_seen(request))

    def sweep_strangers(self) -> None:
        """A request that no row knows gets the row of the run that it was made for, if that is news."""
        known = {request.id for run in self.rows.values() if (request := request_of(run)) is not None}
        for number, state in self.buildbot.requests.items():
            if state.request_id in known:
                continue
            if RunId(number) not in self.rows and not (state.complete and not self._unreported(number)):
                queued = Queued(Request(RequestId(state.request_id), RunId(number)))
                self.rows = {
                    **self.rows,
                    RunId(number): Run(RunKey(TASK, RunId(number)), "linux", queued, self.now, self.now),
                }
            elif RunId(number) in self.rows and not state.complete and not self._may_matter(number):
                self.buildbot.cancel(number)

    def _unreported(self, number: int) -> bool:
        ended = [run.reason_resolved in RETRIED for run in self.queue.runs[number:-1]]
        return self.queue.runs[-1].state in OPEN and all(ended)

    def _may_matter(self, number: int) -> bool:
        return self.queue.runs[number].state in OPEN or self._unreported(number)

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.queue.tick(self.now)

    # What must hold

    def _check_move(self, before: Run | None, run: Run) -> None:
        assert (due_at(run) is None) == isinstance(run.phase, Settled)
        if before is None or before == run or self.amnesia:
            return
        assert not isinstance(before.phase, Settled), "a settled run lives again"
        old, new = claim_of(before), claim_of(run)
        assert old is None or new is None or new.taken_until >= old.taken_until, "a claim shrank"
        match before.phase, run.phase:
            case Reporting(), Reporting():
                assert before.phase.verdict == run.phase.verdict, "a verdict was written twice"
        held, holds = request_of(before), request_of(run)
        kept = held == holds or held is None or isinstance(before.phase, Wanted)
        own_again = isinstance(before.phase, Queued) and isinstance(run.phase, Wanted)
        assert kept or own_again, "a run changed its request"
        was, is_now = getattr(before.phase, "worker", None), getattr(run.phase, "worker", None)
        gone = isinstance(run.phase, Settled | Stopping | Wanted)
        assert gone or was is None or was == is_now, "a run changed its identity"

    def _check_requests(self) -> None:
        holders = [
            request.id
            for run in self.rows.values()
            if not isinstance(run.phase, Settled | Stopping) and (request := request_of(run)) is not None
        ]
        assert len(holders) == len(set(holders)), "two runs hold one request"
        stopping = {self._stopped(run) for run in self.rows.values() if isinstance(run.phase, Stopping)}
        left = [number for number in self.buildbot.open() if number not in stopping | self.buildbot.stops]
        assert len(left) <= 1 or self.amnesia, f"open requests: {left}"

    @staticmethod
    def _stopped(run: Run) -> int:
        request = request_of(run)
        return request.created_for if request else run.key.run_id

    def _check_claim(self, run: Run, worker: Worker) -> None:
        """S3: a build has begun, or the request ended without one, or the run is refused; under one identity."""
        if not isinstance(run.phase, Refused):
            state = self.buildbot.state(request_of(run).id)
            assert state.builds or state.complete
        assert self.amnesia or self.claimed_as.setdefault(run.key.run_id, worker) == worker

    def _check_report(self, run: Run, command: Report) -> None:
        """S4: what is told is what the request that the run holds came to, or that a build of it ended RETRY."""
        state = self.buildbot.state(command.request.id)
        if command.verdict == verdict.RETRIED:
            ended = [build.results for build in state.builds if build.build_id == command.build]
            assert ended == [verdict.Results.RETRY]
            return
        assert state.complete
        ending = verdict.Ending(state.results, bool(state.builds), state.master_shutdown)
        assert command.verdict == verdict.of(ending, RULES.results)
        assert command.request.created_for not in self.buildbot.stops

    def _check_cancel(self, run: Run, command: CancelRequest) -> None:
        """S7: nobody unresolved holds the request, nor may adopt it."""
        number = run.key.run_id
        ended = self.queue.runs[number]
        assert ended.state not in OPEN, "a build was stopped though its run is wanted"
        if number + 1 < len(self.queue.runs):
            following = self.queue.runs[number + 1]
            may_adopt = ended.reason_resolved in RETRIED and following.reason_created != "rerun"
            own = number + 1 in self.buildbot.requests
            kept = not may_adopt or following.state not in OPEN or own
            assert kept, "a build was stopped that the next run may adopt"
        holders = [row for row in self.rows.values() if not isinstance(row.phase, Settled | Stopping)]
        assert all(self._stopped(row) != command.created_for for row in holders if request_of(row))

    # The end

    def heal(self) -> None:
        """Everything answers from now on: the rows settle, every request ends, the task is over."""
        late, self.late = self.late, []
        for number, events in late:
            self.hear(number, *events)
        for turn in range(1200):
            if self._at_rest():
                return
            self.wait(10)
            self._buildbot_works(turn)
            if turn % 6 == 0:
                self.sweep_pending()
                self.sweep_statuses()
                self.sweep_strangers()
            if turn % 3 == 0:
                self.sweep_states()
            for number in list(self.rows):
                self.settle(number)
        raise AssertionError(f"no rest: {self.rows} {self.queue} {self.buildbot}")

    def _buildbot_works(self, turn: int) -> None:
        for number in list(self.buildbot.stops):
            self.buildbot.cancelled(number)
        for number in self.buildbot.open():
            self.buildbot.start(number)
            if turn % 5 == 4:
                self.buildbot.finish(number, verdict.Results.SUCCESS)

    def _at_rest(self) -> bool:
        settled = all(isinstance(run.phase, Settled) for run in self.rows.values())
        return settled and not self.buildbot.open() and self.queue.runs[-1].state not in OPEN
