"""The services of the bridge as processes: the production loops over the simulated outside; they die and start again."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from random import Random
from typing import Any

from bridge import keeping
from bridge.assembly import Admission, House
from bridge.core.commands import Command
from bridge.core.deployment import Deployment
from bridge.core.events import Event
from bridge.core.order import Policy
from bridge.core.rules import Rules
from bridge.core.run import Run, RunId, RunKey
from bridge.engine.backoff import Backoff
from bridge.engine.crew import Crew
from bridge.engine.engine import Engine
from bridge.engine.pool import Pool
from bridge.engine.sweeps import Sweeps
from bridge.engine.unsteered import Unsteered
from bridge.metrics import Metrics
from bridge.published.publisher import Publisher
from bridge.published.redaction import Redactor
from bridge.service import Frame, Heartbeat, Loops
from bridge.settings import Settings
from bridge.store.clock import DatabaseClock
from bridge.store.replicas import Replica
from bridge.store.steering import Orders
from listeners import buildbot as buildbot_listener
from listeners.taskcluster import Listener
from reflector.service import reflect
from tests.simulation.buildbot import Master
from tests.simulation.builds import Builds
from tests.simulation.fabric import EPOCH, Fabric, Machine
from tests.simulation.idle import IdleRuns
from tests.simulation.pulse import Broker, Consumer
from tests.simulation.queue import Queue, Taskcluster
from tests.simulation.scenarios import ALLOWED
from tests.simulation.store import Database, Table
from tests.simulation.watch import Watch

KINDS = ("taskcluster-listener", "buildbot-listener", "reflector")
TASK_QUEUE = "proj-sim/linux"


@cache
def settings() -> Settings:
    """One deployment, with the periods that every deployment has by default."""
    return Settings.model_validate(
        {
            "worker_group": "bridge",
            "taskcluster": {"root_url": "https://tc.example.org", "client_id": "bridge", "access_token": "token"},
            "pulse": {"url": "amqps://bridge:password@pulse.example.org/%2F"},
            "database": {"dsn": "postgresql://bridge:password@db.example.org/bridge"},
            "buildbots": {"main": {"url": "https://buildbot.example.org", "token": "token"}},
            "pools": {"linux": {"task_queue": TASK_QUEUE, "buildbot": "main", "builders": ALLOWED}},
        }
    )


class Unread(Metrics):
    """Metrics without the gauges that every process sets every twenty seconds: nobody reads them here."""

    def runs(self, counts: Mapping[tuple[str, str], int]) -> None:
        pass

    def unserved(self, counts: Mapping[str, int]) -> None:
        pass

    def waiting(self, pool: str, held: int, attempts: int, oldest: float) -> None:
        pass

    def connections(self, open_: int, idle: int) -> None:
        pass

    def margins(self, oldest_due: float | None, claim_margin: float | None) -> None:
        pass


class Independent(Frame):
    """The frame of a service that names nothing it depends on: so nothing has to be asked whether it answers."""

    async def _look_around(self, _heart: Heartbeat) -> None:
        await asyncio.get_running_loop().create_future()


@cache
def _metrics() -> Metrics:
    return Unread("simulation", "0")


@cache
def _deployment() -> Deployment:
    return settings().deployment()


@cache
def _rules() -> Rules:
    return settings().rules("linux")


@cache
def _policy() -> Policy:
    return settings().pools["linux"].policy()


PUBLISHED = Publisher(Redactor(tuple, ("*token*",)), "0")


@dataclass(slots=True)
class Coverage:
    """What the schedules have made the bridge do."""

    pairs: set[tuple[str, str]] = field(default_factory=set)
    commands: Counter[str] = field(default_factory=Counter)
    alarms: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class WatchedEngine(Engine):
    """The engine, counted: which events met which phases, and which commands were carried out."""

    table: Table = field(kw_only=True)
    coverage: Coverage = field(kw_only=True)

    async def hear(self, key: RunKey, *events: Event, holder: str | None = None) -> Mapping[RunId, Run]:
        row = self.table.row(key)
        if row is not None:
            phase = type(row.run.phase).__name__
            self.coverage.pairs.update((phase, type(event).__name__) for event in events)
        return await super().hear(key, *events, holder=holder)

    async def _paid(self, run: Run, command: Command) -> Mapping[RunId, Run]:
        self.coverage.commands[type(command).__name__] += 1
        return await super()._paid(run, command)


class Telling:
    """Hears what the engine does: changes of phase go into the history, defects are violations."""

    def __init__(self, watch: Watch, name: str, coverage: Coverage) -> None:
        self._watch, self._name, self._coverage = watch, name, coverage

    def moved(self, before: Run | None, after: Run, because: str) -> None:
        was = type(before.phase).__name__ if before else None
        self._watch.note(self._name, "row", (str(after.key), was, type(after.phase).__name__))

    def fault(self, run: Run, command: str, fault: Exception) -> None:
        self._watch.note(self._name, "fault", (str(run.key), command, type(fault).__name__))

    def defect(self, run: Run, command: str, defect: Exception) -> None:
        self._watch.blame(f"defect: {command} of {run.key}: {defect!r}")

    def poison(self, key: RunKey, defect: Exception) -> None:
        self._watch.blame(f"defect: the row of {key}: {defect!r}")

    def away(self, what: str, fault: Exception) -> None:
        pass

    def alarm(self, what: str, key: RunKey | None, detail: str) -> None:
        self._coverage.alarms[what] += 1
        self._watch.note(self._name, "alarm", (what, str(key)))

    def found(self, kind: str, count: int) -> None:
        pass


@dataclass(frozen=True)
class Outside:
    """All that services of one schedule share."""

    fabric: Fabric
    table: Table
    taskcluster: Taskcluster
    master: Master
    broker: Broker
    watch: Watch
    coverage: Coverage
    random: Random
    skews: tuple[float, ...] = (0.0,)


class Service:
    """One replica of one service, life after life."""

    def __init__(self, kind: str, number: int, outside: Outside, disturbed: Callable[[float], None]) -> None:
        self._kind, self._number, self._outside, self._disturbed = kind, number, outside, disturbed
        self._lives = 0
        self.machine: Machine
        self._task: asyncio.Task[None]

    def start(self) -> None:
        """Begin a life, under a name that was never used."""
        self._lives += 1
        name = f"{self._kind}-{self._number}.{self._lives}"
        self.machine = Machine(name, self._outside.random.choice(self._outside.skews), self.crash)
        self._outside.watch.note(name, "starts", ())
        self._task = self._outside.fabric.loop.create_task(self._live(self.machine), name=name)
        self._task.add_done_callback(partial(self._ended, self.machine))

    def crash(self) -> None:
        """End this life at once; the next begins some seconds later."""
        if not self.machine.dead:
            self._outside.watch.note(self.machine.name, "CRASH", ())
            self.end()
            down = self._outside.random.uniform(1.0, 4.0)
            self._disturbed(down)
            self._outside.fabric.loop.later(down, self.start)

    def end(self) -> None:
        """End for good: nothing that this life still wants to do will be done."""
        self.machine.dead = True
        self._outside.broker.gone(self.machine)
        self._task.cancel()

    def _ended(self, machine: Machine, task: "asyncio.Task[None]") -> None:
        if machine.dead:
            if not task.cancelled():
                task.exception()  # how the dead fall is of no interest
        else:
            why = "cancelled" if task.cancelled() else repr(task.exception())
            self._outside.watch.blame(f"defect: {machine.name} ended by itself: {why}")
            machine.dead = True

    async def _live(self, machine: Machine) -> None:
        house = self._house(machine)
        frame = Independent(self._kind, _metrics(), machine.name)
        while not await house.clock.try_asking(house.database):
            await asyncio.sleep(2.0)
        async with frame.loops() as loops:
            replica = Replica(machine.name, self._kind, "0", _deployment())
            keeping.keep(house, loops, replica, _metrics(), foreign=self._kind == "reflector")
            self._own_loops(house, loops, machine)

    def _own_loops(self, house: House, loops: Loops, machine: Machine) -> None:
        match self._kind:
            case "taskcluster-listener":
                listener = Listener(house, _metrics())
                consumer = Consumer(self._outside.broker, machine, self._outside.fabric, listener)
                loops.start("pulse", consumer.run, silence=None)
            case "buildbot-listener":
                buildbot_listener.follow(house, loops, _metrics())
            case _:
                reflect(house, loops)

    def _house(self, machine: Machine) -> House:
        out = self._outside
        loop = out.fabric.loop

        def wall() -> float:
            return EPOCH + loop.now + machine.skew

        queue = Queue(out.taskcluster, machine, out.watch, wall)
        builds = Builds(out.master, machine, out.fabric, out.watch)
        clock = DatabaseClock(loop.time, wall)
        database = Database(out.table, machine, out.fabric)
        runs = IdleRuns(out.table, machine, out.fabric, clock.now)
        database.before_time = runs.read_clock
        orders: Any = Orders(database, monotonic=loop.time)  # what it asks of a database, this one has too
        engine = WatchedEngine(
            me=machine.name,
            runs=runs,
            queue=queue,
            pools={"linux": Pool("linux", TASK_QUEUE, _rules(), _policy(), builds, dict, PUBLISHED)},
            admit=Admission(queue, expand_roles=True),
            clock=clock,
            backoff=Backoff(out.random),
            observer=Telling(out.watch, machine.name, out.coverage),
            steering=orders if out.table.steered else Unsteered(),
            table=out.table,
            coverage=out.coverage,
        )
        buildbots: Any = {"main": builds}  # what the follower asks of a Buildbot, the port has too
        return House(settings(), database, clock, queue, buildbots, engine, Crew(engine), Sweeps(engine))
