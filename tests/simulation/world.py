"""One schedule: a world with its services, from the first task to the last word."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.doubles.taskcluster import resolvers
from tests.doubles.taskcluster.instants import SECOND
from tests.doubles.taskcluster.ledger import Ledger, Periods
from tests.doubles.taskcluster.model import Message, Transition
from tests.history.evidence import Evidence
from tests.history.judge import judge
from tests.history.rest import at_rest
from tests.simulation.buildbot import Master, Outcome
from tests.simulation.conservation import BOUND, Conservation
from tests.simulation.evidence import gathered
from tests.simulation.fabric import EPOCH, Fabric, Machine, Plan, Step
from tests.simulation.faults import FELT, Kind
from tests.simulation.loop import VirtualLoop
from tests.simulation.people import People
from tests.simulation.pulse import Broker
from tests.simulation.queue import Taskcluster
from tests.simulation.scenarios import BUILDERS, GOOD, Deed, Scenario
from tests.simulation.services import KINDS, Coverage, Outside, Service
from tests.simulation.store import Table
from tests.simulation.trouble import Trouble
from tests.simulation.watch import Watch

_LOOK = 2.0  # seconds between two looks at what is owed
_RENEWABLE = 0.6  # the last part of a claim: a renewal is due after a third, and has been for a while then
_LONGEST = 5000.0  # seconds after which no schedule should still run

Line = tuple[float, str, str, object]


@dataclass(slots=True)
class Result:
    """What came of a schedule: what was wrong, calls that could have failed, virtual seconds, faults by kind.

    `idle` of the calls were looks for due rows that found nothing, lived without the payer.
    """

    violations: list[str]
    calls: int
    idle: int
    seconds: float
    faults: dict[str, int]
    history: list[Line] = field(repr=False)
    trace: list[Step] | None = field(default=None, repr=False)


class _Outbox(list[Message]):
    """Hands each message to Pulse as it is published."""

    def __init__(self, broker: Broker) -> None:
        super().__init__()
        self._broker = broker

    def append(self, message: Message) -> None:
        self._broker.publish(message)


class _Felt(Plan):
    """A plan whose faults are noted as trouble."""

    def __init__(self, plan: Plan, world: "World") -> None:
        self._plan, self._world = plan, world
        self.ends = plan.ends

    def at(self, number: int, machine: Machine, side: str, name: str) -> Kind | None:
        kind = self._plan.at(number, machine, side, name)
        if kind is not None:
            self._world.watch.note(machine.name, "FAULT", (number, side, name, kind.value))
            self._world.trouble.disturbed(FELT.get(kind, 5.0))
        return kind


class World:
    """Everything of one schedule. The same scenario, plan and seed make the same history."""

    def __init__(self, scenario: Scenario, plan: Plan, seed: int | str, coverage: Coverage) -> None:
        own = Random(seed)
        random.seed(own.random())  # the bridge's own jitter
        self.scenario, self._left = scenario, len(scenario.jobs) + len(scenario.deeds)
        self.loop = VirtualLoop()
        self.fabric = Fabric(self.loop, own, plan, self._struck)
        self.ledger = Ledger(Periods(claim=int(scenario.claim * SECOND)))
        self.watch = Watch(self.fabric, self.ledger, lambda: self.master, "bridge", "buildbot-bridge")
        self.master = Master(self.loop, dict(BUILDERS), self._script, self.watch.note)
        self.master.cap = scenario.cap
        self.taskcluster = Taskcluster(self.ledger, self.fabric)
        self.table = Table(self.fabric.moment)
        self.table.steered = any(deed.what == "pause" for deed in scenario.deeds)
        self.broker = Broker(self.fabric, own)
        self.ledger.outbox = _Outbox(self.broker)
        self.trouble = Trouble(self.taskcluster, self.master, self.table, self.broker, self.watch, own)
        self.trouble.claim = scenario.claim
        self.people = People(self.taskcluster, self.master, self.watch)
        self.conservation = Conservation(self.ledger, self.master, self.table, self.watch)
        self._set_moods(scenario)
        self.fabric.plan = _Felt(plan, self) if type(plan) is not Plan else plan
        outside = Outside(
            self.fabric, self.table, self.taskcluster, self.master, self.broker, self.watch, coverage, own, scenario.skews
        )
        self.services = [
            Service(kind, number, outside, self.trouble.disturbed)
            for kind, count in zip(KINDS, scenario.replicas, strict=True)
            for number in range(count)
        ]
        self._quiet = 0

    def _set_moods(self, scenario: Scenario) -> None:
        self.broker.lossy, self.broker.doubling = scenario.lossy, scenario.doubling
        self.broker.reordering = scenario.reordering

    def _struck(self, kind: Kind) -> None:
        self.trouble.strike(kind)

    def _script(self, key: str, before: int) -> Outcome:
        outcomes: Sequence[Outcome] = self.scenario.jobs[int(key[4:8])].outcomes or (GOOD,)
        return outcomes[min(before, len(outcomes) - 1)]

    # --- the course of a schedule

    def run(self) -> Result:
        """Live the schedule through, and judge it."""
        for service in self.services:
            service.start()
        for number, job in enumerate(self.scenario.jobs):
            self.loop.later(1.0 + job.at, self._create, number)
        for deed in self.scenario.deeds:
            self.loop.later(1.0 + deed.at, self._act, deed)
        self.loop.later(2.5, self._resolve)
        self.loop.later(_LOOK, self._look)
        self.loop.run_forever()
        seconds = self.loop.now
        self._end_services()
        return Result(
            [*self.watch.wrong, *self._judged()], self.fabric.calls, self.fabric.idle, seconds, self.fabric.faulted,
            self.watch.history, self.fabric.trace,
        )  # fmt: skip

    def _create(self, number: int) -> None:
        self._left -= 1
        self.people.create(number, self.scenario.jobs[number])

    def _act(self, deed: Deed) -> None:
        self._left -= 1
        if not (self.people.act(deed) or self.trouble.act(deed)):
            raise ValueError(deed.what)

    def _resolve(self) -> None:
        resolvers.poll(self.ledger, self.taskcluster.now())
        self.loop.later(5.0, self._resolve)

    def _look(self) -> None:
        now = self.loop.now
        self.conservation.rows_lost = self.trouble.rows_lost
        resting = self.conservation.look(now, self.taskcluster.now(), self.trouble.healed)
        calm = resting and not self._left and now >= self.trouble.over
        self._quiet = self._quiet + 1 if calm else 0
        if self._quiet > 2:
            self.loop.stop()
        elif now > _LONGEST:
            self.watch.blame(f"L: not at rest after {now:.0f} s")
            self.loop.stop()
        else:
            self.loop.later(_LOOK, self._look)

    def _end_services(self) -> None:
        for service in self.services:
            service.end()
        self.loop.drain()

    # --- the judgement

    def _judged(self) -> list[str]:
        evidence: Evidence = gathered(self.ledger, self.master, self.watch)
        found: list[Any] = [] if self.watch.erased else [*judge(evidence), *at_rest(evidence)]
        return [*found, *self._expired()]

    def _expired(self) -> list[str]:
        """L4: no claim runs out unless something was wrong for so long that it could not be renewed in time."""
        claim = self.scenario.claim
        return [
            f"L4: the claim of {each.task_id}/{each.run_id} expired, and nothing had been wrong"
            for each in self.ledger.history
            if each.reason == "claim-expired"
            and each.worker_group == self.watch.group
            and not self._was_disturbed(each, claim)
            and not self._forgotten(each)
        ]

    def _forgotten(self, change: Transition) -> bool:
        """Whether nobody could know of the claim any more: its row was lost, and Buildbot has nothing of the run either."""
        return self.trouble.rows_lost and (change.worker_id == self.watch.own or self.watch.erased)

    def _was_disturbed(self, change: Transition, claim: float) -> bool:
        if self.scenario.kept and not self.fabric.faulted:
            return False
        at = change.at / SECOND - EPOCH
        since = at - min(claim, max(_RENEWABLE * claim, BOUND)) - 5
        spans = [(start, end) for start, end in self.trouble.spans if start < at and end > since]
        # Each trouble may cost its own time and that of the slowest repair.
        if self.trouble.rows_lost:  # where Buildbot forgot its request too, nothing tells of the run but its claim's end
            return bool(spans) or self.watch.erased
        return bool(spans) and sum(end - start + BOUND for start, end in spans) > claim * _RENEWABLE
