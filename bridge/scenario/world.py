"""A scenario's world: both sides, the bridge's process between them, and who brings messages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Final

from bridge.core import admission
from bridge.core.order import Definition, LeftAlone, Order, Payload, Policy, Refusal
from bridge.core.rules import Rules
from bridge.core.run import RequestId, RunId, RunKey, TaskId
from bridge.core.status import TaskStatus
from bridge.core.verdict import Resolution, ResultMap
from bridge.engine.backoff import Backoff
from bridge.engine.engine import Engine
from bridge.engine.pool import Pool
from bridge.engine.strangers import Strangers
from bridge.engine.sweeps import Sweeps
from bridge.scenario import master, queue
from bridge.scenario.calling_buildbot import Builds, Published
from bridge.scenario.calling_taskcluster import Queue
from bridge.scenario.document import Bridge, Scenario
from bridge.scenario.rows import Clock, Rows
from bridge.scenario.steps import OfCall
from bridge.scenario.telling import Notebook
from bridge.scenario.trouble import Line, Trouble

QUEUE: Final = "scenario/linux"
GROUP: Final = "buildbot"
POOL: Final = "linux"


class Steady(Random):
    """No chance: waits are as long as they may be."""

    def uniform(self, a: float, b: float) -> float:
        """The larger of the two."""
        return max(a, b)


async def admit(key: RunKey, definition: Definition, status: TaskStatus, policy: Policy) -> Order | Refusal | LeftAlone:
    """Judge a task by the core; its payload is what the scenario says."""
    assert isinstance(definition.payload, Payload)  # noqa: S101  made in `enlisted`
    return admission.judge(key, definition.payload, definition.scopes, status, policy)


@dataclass(slots=True)
class World:
    """Everything that a play moves. `ids`: the scenario's names of tasks to task ids."""

    scenario: Scenario
    notebook: Notebook = field(default_factory=Notebook)
    rows: Rows = field(init=False)
    ids: dict[str, TaskId] = field(default_factory=dict)
    line: Line = field(init=False)
    queue: queue.Ledger = field(init=False)
    master: master.Ledger = field(init=False)
    calls: Queue = field(init=False)
    engine: Engine = field(init=False)
    processes: int = 0

    def __post_init__(self) -> None:
        self.line, self.rows = Line(self.notebook), Rows(self.notebook)
        self.queue = queue.Ledger(self.scenario.bridge.claim)
        self.ids = {name: _slug(number) for number, name in enumerate(self.scenario.tasks)}
        self.master = master.Ledger(stubborn={self.ids[n] for n, t in self.scenario.tasks.items() if t.stubborn})
        self.calls = Queue(self.line, self.queue)
        self.begin()

    def begin(self) -> None:
        """Start the bridge's process: it remembers nothing."""
        self.processes += 1
        self.calls = Queue(self.line, self.queue, texts=self.calls.texts)
        settings = self.scenario.bridge
        builds = Builds(self.line, self.master)
        pool = Pool(POOL, QUEUE, _rules(settings), _policy(settings), builds, lambda shown: shown, Published())
        ports = self.rows, self.calls, {POOL: pool}, admit, Clock(self.notebook), Backoff(Steady()), self.notebook
        self.engine = Engine(f"bridge-{self.processes}", *ports)

    @property
    def pool(self) -> Pool:
        """The one pool."""
        return self.engine.pools[POOL]

    def name_of(self, task_id: TaskId) -> str:
        """The scenario's name of a task."""
        return next((name for name, known in self.ids.items() if known == task_id), task_id)

    def enlist(self, name: str) -> None:
        """Create a task at Taskcluster."""
        task, now = self.scenario.tasks[name], self.notebook.now
        needed = tuple(f"{prefix}{task.builder}" for prefix in self.pool.policy.scope_prefixes[:1])
        definition = Definition(Payload(task.builder, task.properties, ()), needed if task.scopes is None else task.scopes)
        entry = queue.Entry(self.ids[name], QUEUE, definition, now + task.deadline, task.priority, task.retries)
        self.queue.create(entry, now)

    async def deliver(self) -> None:
        """Have the bridge hear all messages and changes, as its listeners do; without Pulse nothing comes from there."""
        messages, self.queue.messages = self.queue.messages, []
        if self.scenario.bridge.pulse:
            sweeps = Sweeps(self.engine)
            pending = dict.fromkeys(each.key for each in messages if each.about == "pending")
            await sweeps.wanted(list(pending), self.pool)
            await sweeps.hinted(dict.fromkeys(each.key for each in messages if each.about == "exception"))
        if self.master.up:
            changed = [RequestId(number) for number in self.master.told if number not in self.master.lost]
            self.master.told.clear()
            if changed:
                await Sweeps(self.engine).changed(changed, [self.pool])

    @contextmanager
    def unheard(self) -> Iterator[None]:
        """Lose the messages and changes about what happens inside."""
        messages, told = list(self.queue.messages), dict(self.master.told)
        yield
        self.queue.messages, self.master.told = messages, told

    def lose_rows(self, name: str | None) -> None:
        """Lose the rows of a task, or all."""
        for task_id in [self.ids[name]] if name else list(self.rows.rows):
            self.rows.rows.pop(task_id, None)

    def trouble(self, step: OfCall) -> None:
        """Have calls go wrong from now on."""
        task = self.ids[step.task] if step.task else None
        left = step.times if step.times or step.lasts else 1
        until = self.notebook.now + step.lasts if step.lasts else None
        self.line.troubles.append(Trouble(step.call, str(step.answers), task, left, until))

    async def sweep(self) -> None:
        """Sweep as the reflector does; what is away is left for the next one."""
        sweeps = Sweeps(self.engine)
        await sweeps.pending(self.pool)
        await sweeps.statuses()
        if self.master.up:
            await sweeps.states([self.pool])
            await Strangers(self.engine).sweep([self.pool])


def _slug(number: int) -> TaskId:
    """A task id of the queue's form."""
    return TaskId(f"scenarioQ0C{number:010d}A")


def _policy(settings: Bridge) -> Policy:
    return Policy(settings.builders, settings.denied, settings.left_alone)


def _rules(settings: Bridge) -> Rules:
    told = {name: Resolution(word) for name, word in settings.results.model_dump().items()}
    return Rules(GROUP, results=ResultMap(**told))


def key_of(world: World, name: str, run: int | None) -> RunKey:
    """The key of a run of a task by the scenario's name; the newest run where none is named."""
    entry = world.queue.entries.get(world.ids[name])
    newest = entry.last if entry is not None and entry.runs else RunId(0)
    return RunKey(world.ids[name], newest if run is None else RunId(run))
