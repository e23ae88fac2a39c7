"""What goes wrong with the world as a whole, and until when it is not whole."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from random import Random

from bridge.core.debts import due_at
from bridge.core.events import Urged
from bridge.core.lifecycle import advance
from bridge.store.steering import FRESH
from tests.simulation.buildbot import Master
from tests.simulation.faults import Kind
from tests.simulation.pulse import Broker
from tests.simulation.queue import Taskcluster
from tests.simulation.scenarios import Deed
from tests.simulation.store import Table
from tests.simulation.watch import Watch

_LONG = 400.0  # seconds: beyond most claims here
_CALLS = 1.0  # seconds for a submit that was on its way when the orders were read last
_STRANGERS = 300.0  # the period of the sweep that finds lost rows again


class Trouble:
    """Strikes both sides, the database and Pulse. `spans` are the times, from and to, in which something was wrong."""

    def __init__(
        self, taskcluster: Taskcluster, master: Master, table: Table, broker: Broker, watch: Watch, random: Random
    ) -> None:
        self._taskcluster, self._master, self._table, self._broker = taskcluster, master, table, broker
        self._watch, self._random = watch, random
        self.spans: list[tuple[float, float]] = []
        self.over = 0.0
        self.rows_lost = False
        self.hidden = False
        self.claim = 180.0

    @property
    def _now(self) -> float:
        return self._taskcluster.fabric.loop.now

    @property
    def healed(self) -> float:
        """From when on what is owed has its bounds.

        Rows that were lost, and requests that show again after they were taken for lost, are only found by the slowest sweep.
        """
        return self.over + (_STRANGERS if self.rows_lost or self.hidden else 0.0)

    def disturbed(self, seconds: float) -> None:
        """Note that from now on something is wrong for so many seconds."""
        self.spans.append((self._now, self._now + seconds))
        self.over = max(self.over, self._now + seconds)

    def act(self, deed: Deed) -> bool:
        """Do a deed that is trouble for the world; whether it was one."""
        acts: dict[str, Callable[[float], None]] = {
            "kill master": self.kill_master,
            "stop master": self.stop_master,
            "lose worker": lambda _: self._master.lose_worker(),
            "erase": self.erase,
            "taskcluster away": self.taskcluster_away,
            "database away": self.database_away,
            "deaf master": self.deaf_master,
            "pause": self.pause,
        }
        act = acts.get(deed.what)
        if act is not None:
            self._watch.note("world", deed.what, deed.value)
            act(deed.value)
        return act is not None

    def kill_master(self, down: float) -> None:
        self.disturbed(down + 1)
        self._master.kill(down)

    def stop_master(self, down: float) -> None:
        self.disturbed(down + 2)
        self._master.stop(down)

    def erase(self, count: float) -> None:
        """Buildbot's database is set back while its master is down."""
        self.disturbed(6)
        self._watch.erased = True
        self._master.kill(4)
        self._master.erase(int(count))

    def taskcluster_away(self, seconds: float) -> None:
        self.disturbed(seconds)
        self._taskcluster.away_until = self._now + seconds

    def database_away(self, seconds: float) -> None:
        self.disturbed(seconds)
        self._table.leave(self._now + seconds)

    def deaf_master(self, seconds: float) -> None:
        self.disturbed(seconds)
        self._master.deaf_until = self._now + seconds

    def pause(self, seconds: float) -> None:
        """An operator holds all new requests back, and has every row look again when that is over."""
        self.disturbed(seconds)
        self._table.stops = [{"kind": "paused", "pool": "", "builders": "*", "who": "a person", "why": "a test"}]
        self._watch.paused_from = self._now + FRESH + _CALLS
        self._taskcluster.fabric.loop.later(seconds, self._resume)

    def _resume(self) -> None:
        self._watch.paused_from = None
        self._table.stops = []
        urged = Urged(self._table.now())
        for row in self._table.rows():
            if row.due is not None:
                run = advance(row.run, urged)
                self._table.commit([(run.key, replace(row, run=run, due=due_at(run)))])

    def _failover(self, most: int) -> None:
        self._table.lose(self._random.randint(1, most), timedelta(seconds=self._random.uniform(-1, 1)))
        self.database_away(3)
        self.rows_lost = True

    def _dropped(self) -> None:
        self._table.drop()
        self.database_away(5)
        self.rows_lost = True

    def strike(self, kind: Kind) -> None:
        """A fault that a plan put at some call."""
        self._watch.note("world", "STRIKE", kind.value)
        match kind:
            case Kind.DATABASE_AWAY:
                self.database_away(20)
            case Kind.FAILOVER:
                self._failover(3)
            case Kind.FAILOVER_LONG:
                self._failover(40)
            case Kind.DATABASE_DROPPED:
                self._dropped()
            case Kind.PULSE_LOST:
                self.disturbed(10)
                self._broker.lose(10, deleted=False)
            case Kind.PULSE_DELETED:
                self.disturbed(2)
                self._broker.lose(2, deleted=True)
            case Kind.MASTER_KILLED:
                self.kill_master(5)
            case Kind.MASTER_STOPPED:
                self.stop_master(5)
            case Kind.REQUESTS_HIDDEN:
                self.hidden = True
                self.disturbed(200)
                self._master.hidden_until = self._now + 200
            case Kind.WORKER_LOST:
                self._master.lose_worker()
            case Kind.TASKCLUSTER_AWAY:
                self.taskcluster_away(25)
            case Kind.TASKCLUSTER_AWAY_LONG:
                self.taskcluster_away(min(self.claim, _LONG) + 20)
            case _:
                raise ValueError(kind)
