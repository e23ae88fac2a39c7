"""Random schedules: any mix of tasks, deeds of people, replicas and faults."""

from random import Random

from tests.simulation.buildbot import CANCELLED, EXCEPTION, FAILURE, RETRY, SKIPPED, SUCCESS, Outcome
from tests.simulation.fabric import Machine, Plan
from tests.simulation.faults import Kind, fitting
from tests.simulation.scenarios import Deed, Job, Scenario

_BUILDERS = ("plain", "plain", "plain", "solo", "solo", "nobody", "removed")
_RESULTS = (SUCCESS, SUCCESS, SUCCESS, FAILURE, RETRY, RETRY, EXCEPTION, CANCELLED, SKIPPED)
_DEEDS = (
    "cancel", "cancel", "rerun", "rerun", "priority", "stop build", "rebuild", "collapse", "foreign claim", "foreign report",
    "kill master", "stop master", "lose worker", "lose worker", "taskcluster away", "database away", "deaf master",
)  # fmt: skip
_RARE = frozenset(
    {
        Kind.FAILOVER_LONG,
        Kind.DATABASE_DROPPED,
        Kind.TASKCLUSTER_AWAY_LONG,
        Kind.MASTER_STOPPED,
        Kind.MASTER_KILLED,
        Kind.PULSE_DELETED,
        Kind.PULSE_LOST,
        Kind.DATABASE_AWAY,
        Kind.TASKCLUSTER_AWAY,
        Kind.FAILOVER,
        Kind.WORKER_LOST,
        Kind.REQUESTS_HIDDEN,
    }
)


class Chance(Plan):
    """Each call may fail, as likely as `share` says, until so many calls were made."""

    def __init__(self, random: Random, share: float, calls: int, kinds: frozenset[Kind]) -> None:
        self._random, self._share, self._kinds = random, share, kinds
        self.ends = calls

    def at(self, number: int, machine: Machine, side: str, name: str) -> Kind | None:
        random = self._random.random
        if random() >= self._share or (name in ("due", "changes") and random() < 0.8):
            return None
        kinds = [kind for kind in fitting(side, name) if kind in self._kinds and (kind not in _RARE or random() < 0.15)]
        chosen = self._random.choice(kinds) if kinds else None
        if chosen is Kind.MISSING:
            self._kinds -= {chosen}  # two 404s some seconds apart are believed: the queue never says it wrongly twice
        return chosen


def chanced(name: str) -> tuple[Scenario, Plan]:
    """The random schedule of that name."""
    random = Random(name)
    jobs = tuple(_job(random) for _ in range(random.choice((1, 1, 2, 3, 5))))
    deeds = tuple(_deed(random, len(jobs)) for _ in range(random.choice((0, 1, 2, 4))))
    scenario = Scenario(
        name,
        jobs,
        deeds,
        claim=random.choice((90.0, 180.0, 1200.0)),
        cap=random.choice((1, 2, 200)),
        replicas=_replicas(random),
        skews=random.choice(((0.0,), (-60.0, 0.0, 60.0))),
        lossy=random.choice((0.0, 0.0, 0.3, 1.0)),
        doubling=random.choice((0.0, 0.3)),
        reordering=random.random() < 0.4,
    )
    return scenario, _plan(random)


def _plan(random: Random) -> Plan:
    most = random.choice((1, 3, len(Kind)))
    kinds = frozenset(random.sample(tuple(Kind), most))
    return Chance(random, random.choice((0.0, 0.01, 0.03, 0.1, 0.3)), random.choice((100, 400, 1500)), kinds)


def _replicas(random: Random) -> tuple[int, int, int]:
    most = random.choice((1, 1, 2, 2, 3, 5))
    return random.randint(1, most), random.randint(1, most), random.randint(1, most)


_FILES = (0, 0, 0, 1, 3)


def _job(random: Random) -> Job:
    outcomes = tuple(
        Outcome(random.choice((0.0, 0.1, 3.0, 15.0, 60.0, 150.0)), random.choice(_RESULTS), random.choice(_FILES))
        for _ in range(random.randint(1, 4))
    )
    settled = Outcome(random.choice((0.1, 5.0, 30.0)), random.choice((SUCCESS, FAILURE)), random.choice(_FILES))
    return Job(
        at=random.choice((0.0, 0.0, random.uniform(0, 60))),
        builder=random.choice(_BUILDERS),
        outcomes=(*outcomes, settled),
        retries=random.choice((0, 1, 5)),
        deadline=random.choice((20.0, 90.0, 300.0, 600.0)),
        payload={"nonsense": 1} if random.random() < 0.05 else None,
        scopes=() if random.random() < 0.03 else ("buildbot-bridge:builder-name:*",),
        priority=random.choice(("lowest", "low", "high")),
    )


def _deed(random: Random, jobs: int) -> Deed:
    what = random.choice(_DEEDS)
    value = random.choice((1.0, 5.0, 20.0, 60.0))
    return Deed(random.uniform(0, 90), what, random.randrange(jobs), 5.0 if what == "priority" else value)
