"""The transitions: what the outside may do, and what a replica may do next, each worked out once for what it depends on.

A part of a state (the task, the requests, the rows, a replica …) is a value with a number. A transition touches few parts,
so it is looked up by their numbers; only where it is new the real engine and core are asked.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

from bridge.core import debts, faults
from bridge.core.chain import newborn
from bridge.core.commands import Command
from bridge.core.events import Hinted, TaskSeen
from bridge.core.lifecycle import advance
from bridge.core.run import Building, Queued, Run, RunId, RunKey, Settled, Stopping, Worker, request_of
from bridge.core.verdict import Results
from tests.model import invariants, outside
from tests.model.configs import KINDS, Config
from tests.model.freezing import frozen
from tests.model.moments import moment
from tests.model.outside import Twist
from tests.model.ports import POOL, Call
from tests.model.replica import IDLE, Answer, Evidence, Memory, Performance, Replica, Work
from tests.model.values import Requests, Rows, Task, by_number, stored
from tests.unit.core.buildbot_automaton import Buildbot
from tests.unit.core.queue_automaton import RefusedError
from tests.unit.core.samples import RULES, TASK, run_status

V = TypeVar("V")
Owed = Callable[[Run, datetime], Command | None]
FOREIGN = Worker("somebody", "else")
NO_ANSWER = Answer(False, faults.Unavailable("no answer"))
DENIED = Answer(False, faults.NotAllowed("401"))
KEPT = 4000  # coroutines
MUTATIONS = frozenset({"claim", "reclaim", "resolve", "submit", "cancel"})


class Interned(Generic[V]):
    """Values by number, numbers by value."""

    def __init__(self) -> None:
        self.values: list[V] = []
        self.numbers: dict[Any, int] = {}

    def number(self, value: V, key: Any = None) -> int:
        key = value if key is None else key
        number = self.numbers.get(key)
        if number is None:
            number = self.numbers[key] = len(self.values)
            self.values.append(value)
        return number

    def __getitem__(self, number: int) -> V:
        return self.values[number]


class Move(NamedTuple):
    """What changes: the part's new number (of the side that was called), the replica's, what it costs, what is wrong."""

    label: str
    part: int
    replica: int
    cost: str | None = None
    wrong: str | None = None
    wire: int = 0
    """A call that was given up by its sender and is under way."""


@dataclass(frozen=True, slots=True)
class Cores:
    """Wrong cores to put in, for tests that the model can fail."""

    owed: Owed = debts.owed
    twist: Twist | None = None
    keyed: bool = True
    """Whether Buildbot gives the same request to the same key."""


class Transitions:
    """The moves of one configuration, by the numbers of the parts that they depend on."""

    def __init__(self, config: Config, cores: Cores) -> None:
        self.config, self.cores = config, cores
        self.tasks, self.requests = Interned[Task](), Interned[Requests]()
        self.rows, self.replicas, self.budgets = Interned[Rows](), Interned[Replica](), Interned[tuple[int, ...]]()
        self.wires = Interned[tuple[Call, Command | None] | None]()
        self.wires.number(None)
        self.lossy = "loss" in config.budget
        self._live: dict[int, Performance] = {}
        self._warm: Performance | None = None

    # Beginnings

    def first_task(self) -> int:
        return self.tasks.number(Task(moment(self.config.deadline), self.config.retries, (run_status(),)))

    def requests_none(self) -> Requests:
        return Requests()

    def at(self, minute: int) -> datetime:
        return moment(minute)

    def first_budget(self) -> int:
        return self.budgets.number(tuple(self.config.budget.get(kind, 0) for kind in KINDS))

    def spent(self, budget: int, kind: str) -> int | None:
        left = list(self.budgets[budget])
        at = KINDS.index(kind)
        if left[at] == 0:
            return None
        left[at] -= 1
        return self.budgets.number(tuple(left))

    # The outside

    def by_queue(self, now: int, task: int) -> list[Move]:
        """What people, strangers and the queue's resolvers do."""
        at, value = moment(now), self.tasks[task]
        found = []
        for label, cost, act in (
            ("a person cancels the task", "cancel", lambda queue: queue.cancel(at)),
            ("a person reruns the task", "rerun", lambda queue: queue.rerun(at)),
            ("somebody else claims the run", "foreign", lambda queue: queue.claim(len(value.runs) - 1, FOREIGN, at)),
            ("the queue's resolver acts", None, lambda queue: queue.tick(at)),
        ):
            queue = value.automaton()
            try:
                act(queue)
            except RefusedError:
                continue
            after = self.tasks.number(value.after(queue))
            if after != task:
                found.append(Move(label, after, -1, cost))
        return found

    def by_buildbot(self, requests: int) -> list[Move]:
        """What Buildbot, its workers and its people do."""
        value = self.requests[requests]
        found = []
        for number, state in value.requests:
            if not state.complete:
                found += [move for move in self._of_request(value, number) if move.part != requests]
        return found

    def _of_request(self, value: Requests, number: int) -> Iterator[Move]:
        acts: list[tuple[str, str | None, Callable[[Buildbot], object]]] = [
            ("starts a build", None, lambda buildbot: buildbot.start(number)),
            ("the build ends RETRY", "retry", lambda buildbot: buildbot.retry(number)),
            ("a person cancels it", "stop", lambda buildbot: buildbot.cancelled(number)),
            ("the master stops in good order", "shutdown", lambda buildbot: buildbot.master_stopped()),
            ("it is collapsed", "collapse", lambda buildbot: buildbot.collapsed(number)),
            ("it is forgotten", "vanish", lambda buildbot: buildbot.requests.pop(number)),
        ]
        acts += [(f"the build ends {results.name}", None, _finishing(number, results)) for results in self.config.results]
        if number in value.stops:
            acts.append(("our cancel takes effect", None, lambda buildbot: buildbot.cancelled(number)))
        for label, cost, act in acts:
            buildbot = value.automaton()
            act(buildbot)
            yield Move(f"Buildbot, request of run {number}: {label}", self.requests.number(Requests.of(buildbot)), -1, cost)

    def by_messages(self, now: int, task: int, rows: int) -> list[Move]:
        """Rows for runs that messages, or the sweep of pending runs, told of; and looks that hints make due."""
        value, found = self.rows[rows], []
        have = by_number(value)
        for number in range(len(self.tasks[task].runs)):
            if number not in have:
                after = self.with_row(now, task, rows, RunId(number))
                found.append(Move(f"a message tells of pending run {number}: it gets a row", after, -1))
            elif have[RunId(number)].look_at > moment(now):
                hinted = advance(have[RunId(number)], Hinted(moment(now)))
                after = self.rows.number(stored({**have, RunId(number): hinted}))
                if after != rows:
                    found.append(Move(f"a message hints at run {number}", after, -1))
        return found

    def with_row(self, now: int, task: int, rows: int, number: RunId) -> int:
        """The rows with one more, unless the run has one."""
        have = by_number(self.rows[rows])
        if number in have:
            return rows
        seen = TaskSeen(moment(now), self.tasks[task].automaton().status(), RULES)
        return self.rows.number(stored({**have, number: newborn(RunKey(TASK, number), POOL, seen)}))

    # Replicas

    def beginnings(self, now: int, replica: int, rows: int) -> list[tuple[int, Move]]:
        """What an idle replica may begin with: what rows owe (with the run), and sweeps (with -1)."""
        memory, value = self.replicas[replica].memory, self.rows[rows]
        found: list[tuple[int, Move]] = []
        for run in value:
            command = self.cores.owed(run, moment(now))
            if command is not None:
                work = Work("pay", run, command)
                name = f"takes run {run.key.run_id}, {_told(run)}, which owes {type(command).__name__}"
                found.append((run.key.run_id, self._begun(memory, work, now, name)))
        unsettled = [run for run in value if not isinstance(run.phase, Settled)]
        held = [run for run in unsettled if isinstance(run.phase, Queued | Building | Stopping) and request_of(run)]
        idle = {"statuses": not unsettled, "states": not held}
        found += [(-1, self.sweep(now, memory, sweep)) for sweep in self.config.sweeps if not idle.get(sweep)]
        return found

    def sweep(self, now: int, memory: Memory, name: str) -> Move:
        return self._begun(memory, Work(name), now, f"begins the sweep of {name}")

    def _begun(self, memory: Memory, work: Work, now: int, label: str) -> Move:
        start = Replica(memory, work, moment(now))
        performance = Performance.of(start, moment(now), self.config.admitted)
        return self._stands(start, performance, label, -1, None)

    def steps(self, now: int, replica: int, task: int, requests: int, rows: int) -> tuple[str, list[Move]]:
        """What may become of the call that a busy replica waits for, and the side that it is sent to."""
        value = self.replicas[replica]
        assert value.call is not None
        wrong = self._wrong(value, self.tasks[task], self.requests[requests], self.rows[rows])
        side = value.call.side
        self._warm = self._live.pop(replica, None)
        if wrong:
            return side, [Move(_words(value.call), -1, -1, None, wrong)]
        match side:
            case "queue":
                return side, list(self._step_of_queue(value, now, task))
            case "buildbot":
                return side, list(self._step_of_buildbot(value, now, requests))
            case _:
                return side, list(self._step_of_rows(value, now, rows))

    def _wrong(self, replica: Replica, task: Task, requests: Requests, rows: Rows) -> str | None:
        call, work = replica.call, replica.work
        match call.name:
            case "claim":
                return invariants.claim_sent(call, work, task, requests, lost=self.lossy)
            case "resolve":
                return invariants.report_sent(call, work, task, requests, admitted=self.config.admitted)
            case "cancel_task":
                return invariants.cancel_task_sent(work, replica.evidence, task, requests)
            case "submit":
                twice = not self.cores.keyed and call.args[0] in dict(requests.requests)
                fit = invariants.submit_sent(call, replica.evidence, admitted=self.config.admitted, twice=twice)
                return fit or invariants.passed_over(call.args[0], task, requests)
            case "cancel":
                return invariants.cancel_sent(call, task, requests, rows)
        return None

    def _step_of_queue(self, replica: Replica, now: int, task: int) -> Iterator[Move]:
        value = self.tasks[task]
        answer, after = outside.of_queue(replica.call, value, replica.work.command, moment(now))
        first = replace(replica, evidence=_evidence(replica, answer))
        yield from self._outcomes(first, answer, now, task, self.tasks.number(after))
        if "denied" in self.config.budget:
            yield self._answered(first, DENIED, now, f"{_words(replica.call)}: 401", task, "denied")

    def _step_of_buildbot(self, replica: Replica, now: int, requests: int) -> Iterator[Move]:
        answer, after = outside.of_buildbot(replica.call, self.requests[requests])
        yield from self._outcomes(replica, answer, now, requests, self.requests.number(after))

    def _outcomes(self, replica: Replica, answer: Answer, now: int, before: int, after: int) -> Iterator[Move]:
        """A call is answered; or it fails, without effect or with; or it takes effect when nobody waits for it any more."""
        words = _words(replica.call)
        yield self._answered(replica, answer, now, f"{words}: {_outcome(answer)}", after)
        failed = self._answered(replica, NO_ANSWER, now, f"{words}: fails without effect", before, "fault")
        yield failed
        if after != before:
            yield failed._replace(label=f"{words}: takes effect, the answer is lost", part=after)
        if "late" in self.config.budget and replica.call.name in MUTATIONS:
            wire = self.wires.number((replica.call, replica.work.command))
            yield failed._replace(label=f"{words}: times out, and is still under way", cost="late", wire=wire)

    def _step_of_rows(self, replica: Replica, now: int, rows: int) -> Iterator[Move]:
        before = self.rows[rows]
        performance = self._performance(replica)
        answer, after = outside.of_rows(performance.call, before, self.cores.twist)
        wrong = invariants.rows_changed(before, after, lost=self.lossy)
        words = f"{_words(replica.call)} ({performance.call.because or 'rows'})"
        performance.answer(answer, moment(now))
        part, taped = self.rows.number(after), self._taped(replica, answer, now)
        yield self._stands(taped, performance, f"{words} → {', '.join(map(_told, after))}", part, None, wrong)
        if "database" in self.config.budget:
            failed = self._answered(replica, NO_ANSWER, now, f"{words}: the database is away", rows, "database")
            yield failed
            yield failed._replace(label=f"{words}: committed, but nobody hears of it", part=part)

    def arrival(self, now: int, wire: int, task: int, requests: int, rows: int) -> tuple[str, Move]:
        """What a call that was under way does."""
        sent = self.wires[wire]
        assert sent is not None
        call, command = sent
        words = f"the call that timed out takes effect, {_words(call)}"
        if call.side == "queue":
            _, after = outside.of_queue(call, self.tasks[task], command, moment(now))
            return "queue", Move(words, self.tasks.number(after), -1)
        parts = self.tasks[task], self.requests[requests], self.rows[rows]
        wrong = invariants.cancel_sent(call, *parts) if call.name == "cancel" else None
        _, done = outside.of_buildbot(call, self.requests[requests])
        return "buildbot", Move(words, self.requests.number(done), -1, None, wrong)

    def strays(self, requests: int, rows: int) -> str | None:
        return None if self.lossy else invariants.open_requests(self.requests[requests], self.rows[rows])

    def _answered(self, replica: Replica, answer: Answer, now: int, label: str, part: int, cost: str | None = None) -> Move:
        performance = self._performance(replica)
        performance.answer(answer, moment(now))
        return self._stands(self._taped(replica, answer, now), performance, label, part, cost)

    def _performance(self, replica: Replica) -> Performance:
        """The replica's coroutine: the one that came here first, or the same way gone again."""
        warm, self._warm = self._warm, None
        return warm or Performance.of(replica, replica.began, self.config.admitted)

    def _keep(self, number: int, performance: Performance) -> None:
        """Keep a coroutine for the next that takes this replica on; old ones can be had again."""
        self._live[number] = performance
        if len(self._live) > KEPT:
            self._live.pop(next(iter(self._live))).end()

    @staticmethod
    def _taped(replica: Replica, answer: Answer, now: int) -> Replica:
        return replace(replica, tape=(*replica.tape, (answer, moment(now))))

    def _stands(
        self, replica: Replica, performance: Performance, label: str, part: int, cost: str | None, wrong: str | None = None
    ) -> Move:
        """Where the replica stands now, as a move; its coroutine is of no more use."""
        memory = performance.memory
        if performance.seat.defects:
            wrong = wrong or f"a defect: {performance.seat.defects}"
        if performance.over:
            failed = performance.task.exception()
            wrong = wrong or (f"a defect: {failed!r}" if failed else None)
            idle = Replica(memory.at(performance.seat.now))
            return Move(label, part, self.replicas.number(idle, idle.memory), cost, wrong)
        place = performance.stands() if replica.work.name != "strangers" else (frozen(replica.tape),)
        key = (memory, replica.work.name, place, replica.evidence, replica.began)
        seen = len(self.replicas.values)
        number = self.replicas.number(replace(replica, call=performance.call), key)
        if number == seen:
            self._keep(number, performance)
        else:
            performance.end()
        return Move(label, part, number, cost, wrong)

    def idle(self) -> int:
        return self.replicas.number(IDLE, IDLE.memory)


def _finishing(number: int, results: Results) -> Callable[[Buildbot], None]:
    return lambda buildbot: buildbot.finish(number, results)


def _evidence(replica: Replica, answer: Answer) -> Evidence:
    if replica.call.name != "status":
        return replace(replica.evidence, used=True)
    if not answer.good:
        return replica.evidence
    runs = answer.value.runs
    return Evidence(len(runs), runs[-1].state)


def _told(run: Run) -> str:
    return f"{run.key.run_id} {type(run.phase).__name__}"


def _words(call: Call) -> str:
    return f"{call.side}.{call.name}({', '.join(str(arg) for arg in call.args if not isinstance(arg, Run))})"


def _outcome(answer: Answer) -> str:
    good, value = answer.good, answer.value
    if not good:
        return f"refused, {value}"
    runs = getattr(value, "runs", None)
    if runs is not None:
        return ", ".join(f"{n} {run.reason_resolved or run.state.value}" for n, run in enumerate(runs))
    if hasattr(value, "request_id"):
        builds = "".join(f", build {build.build_id} {build.results}" for build in value.builds)
        return f"request {value.request_id} {'complete' if value.complete else 'open'} {value.results}{builds}"
    return str(value)
